"""Rows 5 and 6: what HTTP costs: asking for what moves value, and looking at a balance."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import cast

from deploy.embedded.local_server import free_port
from services.ledger import repository
from services.ledger.model import account_id
from services.ledger.settings import LedgerSettings
from services.store import operations
from services.store.settings import StoreSettings
from shared import clock, ids
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.settings import load
from shared.web.idempotency import Asked, Kept, keep, look_up
from tests.performance import burst
from tests.performance.mall import CLIENTS, Cores, Mall, side_by_side
from tests.performance.row import Figure, NotSound, Row, Sample, Size, at_least
from tests.performance.stage import Stage
from tests.performance.stopwatch import timed

STOPPED, RUNNING = "POST → 202, workers stopped", "POST → 202, workers running"
FRESH, KNOWN = "GET balance, 200", "GET balance, 304"
CODE = Path(__file__).resolve().parents[3]


def posts(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Orders over HTTP: token, schema, key, stock, counter, order, outbox and answer."""
    times = size.of(300, small=16)
    mall = Mall.of(stage)
    mall.order(0)
    running, orders = _orders(mall, times)
    mall.all_in(orders, "CONFIRMED")
    with mall.without_workers():
        stopped, orders = _orders(mall, times)
    mall.all_in(orders, "CONFIRMED")
    return {STOPPED: stopped, RUNNING: running}


def _orders(mall: Mall, times: int) -> tuple[Sample, list[str]]:
    cores = Cores(mall.system)
    with timed() as watch:
        answers = side_by_side(mall.order, times)
    shares = cores.shares()
    orders = [str(answer["order_id"]) for answer in answers]
    kept = mall.db("store").orders.count_documents({"_id": {"$in": orders}})
    if kept != times:
        raise NotSound(f"{times} orders acknowledged, {kept} there")
    return Sample(value=times / watch.seconds, checked=kept, shares=shares), orders


def transactions(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """The same units of work, called in this process by as many threads; nothing else runs."""
    times = size.of(300, small=16)
    mall = Mall.of(stage)
    with mall.without_workers():
        sample = units_of_work(mall, mall.database(stage), times)
    return {STOPPED: sample, RUNNING: sample}


def units_of_work(mall: Mall, database: ServiceDatabase, times: int) -> Sample:
    """Place orders by the operation itself, with the key's row and the outbox."""
    settings = cast("StoreSettings", database.settings)

    def place(number: int) -> str:
        item = mall.items[number % len(mall.items)]
        asked = Asked(id=ids.new_id(), digest="0" * 64)

        def effect(work: UnitOfWork) -> Kept:
            if look_up(work, asked) is not None:
                raise NotSound("a new key was there")
            order = operations.place_order(
                work,
                buyer=mall.buyer(number),
                item_id=item,
                pieces=1,
                now=clock.now(),
                real_now=clock.real_now(),
                settings=settings,
            )
            return keep(work, asked, status=202, value=order)

        kept = database.unit_of_work(effect, holding=operations.stock_lock(item))
        return str((kept.value or {})["order_id"])

    place(0)
    with timed() as watch:
        orders = side_by_side(place, times)
    there = database.db.orders.count_documents({"_id": {"$in": orders}})
    if there != times:
        raise NotSound(f"{times} units of work, {there} orders")
    return Sample(value=times / watch.seconds, checked=there)


def balances(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Balances over HTTP: as they are, and where the asker has just this one."""
    times = size.of(1500, small=40)
    mall = Mall.of(stage)
    path = f"/books/{mall.town.district}/balances/me"
    tags: dict[str, str] = {}

    def look(number: int, *, known: bool) -> int:
        token = mall.tokens[mall.people[number % len(mall.people)]]
        headers = {"If-None-Match": tags[token]} if known else {}
        status, found, shown = mall.ledger.ask("GET", path, token=token, headers=headers)
        if status == 200:
            tags[token] = found["etag"]
            if shown["available"] + shown["held"] <= 0:
                raise NotSound(f"{shown} of someone who served")
        return status

    samples = {}
    for name, known, status in ((FRESH, False, 200), (KNOWN, True, 304)):
        cores = Cores(mall.system)
        with timed() as watch:
            found = side_by_side(partial(look, known=known), times)
        shares = cores.shares()
        if set(found) != {status}:
            raise NotSound(f"{set(found)} instead of {status}")
        samples[name] = Sample(value=times / watch.seconds, checked=len(found), shares=shares)
    return samples


def bare_or_raw(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """The lesser of a Flask app that says one constant, and the reads that a balance needs."""
    times = size.of(1500, small=40)
    mall = Mall.of(stage)
    environment = {**mall.system.environment("ledger"), "GONGXIANG_SLOT": "bench-ledger"}
    ledger = ServiceDatabase.connect(load(LedgerSettings, environment), "ledger")
    stage.callback(ledger.close)

    def read(number: int) -> int:
        person = mall.people[number % len(mall.people)]
        name = account_id(book=mall.town.district, kind="volunteer", holder=person)
        return repository.accounts.newest(ledger, name).n

    with timed() as raw:
        numbers = side_by_side(read, times)
    if min(numbers) <= 0:
        raise NotSound("an account without a posting")
    clients = burst.Clients(f"http://127.0.0.1:{_bare_app(stage)}")

    def ask(number: int) -> int:
        # As many people as ask for balances: one alone would have to wait for turns.
        token = mall.tokens[mall.people[number % len(mall.people)]]
        return clients.ask("GET", "/bare", token=token)[0]

    with timed() as bare:
        said = side_by_side(ask, times)
    if set(said) != {200}:
        raise NotSound(f"the bare app said {set(said)}")
    sample = Sample(value=times / max(raw.seconds, bare.seconds), checked=2 * times)
    return {FRESH: sample, KNOWN: sample}


def _bare_app(stage: Stage) -> int:
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "-k", "deploy.web_worker.GatheringWorker"),
        *("--threads", "16", "--no-control-socket", "-b", f"127.0.0.1:{port}"),
        "tests.performance.bare:app",
    ]
    process = subprocess.Popen(command, cwd=CODE, stderr=subprocess.DEVNULL)

    def end() -> None:
        process.terminate()
        process.wait(15)

    stage.callback(end)
    deadline = clock.monotonic() + 20
    while True:
        try:
            burst.Clients(f"http://127.0.0.1:{port}").ask("GET", "/bare", token="")
            return port
        except OSError:
            if clock.monotonic() > deadline:
                raise
            clock.sleep(0.05)


ROWS = (
    Row(
        number=5,
        figures=(
            Figure(STOPPED, "POST/s", at_least(0.8), at_least(0.95)),
            Figure(RUNNING, "POST/s", at_least(0.4), at_least(0.6)),
        ),
        ours=posts,
        theirs=transactions,
        against=f"the same units of work without HTTP, {CLIENTS} threads, workers stopped",
    ),
    Row(
        number=6,
        figures=(
            Figure(FRESH, "GET/s", at_least(0.7), at_least(0.85)),
            Figure(KNOWN, "GET/s", at_least(0.7), at_least(0.85)),
        ),
        ours=balances,
        theirs=bare_or_raw,
        against="the lesser of a bare Flask GET (same worker class) and the reads it needs",
    ),
)
