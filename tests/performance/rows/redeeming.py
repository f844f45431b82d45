"""Rows 7, 10 and 14: whole redemptions: how soon, how many, and for how long."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import psutil

from shared import clock, ids
from tests.performance import strangers
from tests.performance.burst import percentile
from tests.performance.mall import CLIENTS, Cores, Mall, side_by_side
from tests.performance.row import Figure, NotSound, Row, Sample, Size, at_least, at_most
from tests.performance.rows.asking import units_of_work
from tests.performance.stage import Stage
from tests.performance.stopwatch import timed

VOUCHER_50, VOUCHER_99 = "order → voucher at 30 % load, p50", "order → voucher at 30 % load, p99"
POINTS_50, POINTS_99 = "confirmation → points, p50", "confirmation → points, p99"
WHOLE = "redemptions, order → captured"
STEADY, GROWN = "soak: last part ÷ first", "soak: resident memory grown"
LOAD = 0.3
TRANSACTIONS = 4
"""Units of work of one redemption: order, confirmed, used, captured. The ledger has none."""


def delays(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Orders at 30 % of what goes through, each by how long its answer was waited for."""
    mall = Mall.of(stage)
    times = size.of(150, small=8)
    warm = size.of(60, small=8)
    with timed() as full:
        side_by_side(lambda number: mall.order(number, wait=True), warm)
    pause_s = full.seconds / warm / LOAD
    took: list[float] = []

    def wait_for_one(number: int) -> str:
        began = clock.monotonic()
        order = mall.order(number, wait=True)
        took.append(clock.monotonic() - began)
        if order["state"] != "CONFIRMED":
            raise NotSound(f"an order came to {order['state']}")
        return str(order["order_id"])

    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = []
        for number in range(times):
            asked.append(pool.submit(wait_for_one, number))
            clock.sleep(pause_s)
        orders = [one.result() for one in asked]
    checked = mall.all_in(orders, "CONFIRMED")
    points = _points(mall, size.of(40, small=4))
    return {
        VOUCHER_50: Sample(value=1000 * percentile(took, 0.5), checked=checked),
        VOUCHER_99: Sample(value=1000 * percentile(took, 0.99), checked=checked),
        POINTS_50: Sample(value=1000 * percentile(points, 0.5), checked=len(points)),
        POINTS_99: Sample(value=1000 * percentile(points, 0.99), checked=len(points)),
    }


def _points(mall: Mall, times: int) -> list[float]:
    """Return the seconds from a confirmed service to its record banked, one after the other."""
    took = []
    with strangers.activities(mall.system) as database:
        for _ in range(times):
            person = ids.new_id()
            strangers.confirm(database, [person], region=mall.town.community, minutes=60)
            began = clock.monotonic()
            while not database.db.records.find_one({"volunteer_id": person, "state": "BANKED"}):
                if clock.monotonic() - began > 60:
                    raise NotSound("points not banked within 60 s")
                clock.sleep(0.005)
            took.append(clock.monotonic() - began)
    return took


def redemptions(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Order, voucher, use, captured: by so many people at once."""
    mall = Mall.of(stage)
    times = size.of(160, small=8)
    mall.redeem(0)
    cores = Cores(mall.system)
    with timed() as watch:
        orders = side_by_side(mall.redeem, times)
        checked = mall.all_in(orders, "CAPTURED")
    return {WHOLE: Sample(value=times / watch.seconds, checked=checked, shares=cores.shares())}


def transactions_of_them(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """What the units of work of a redemption alone would allow."""
    mall = Mall.of(stage)
    with mall.without_workers():
        done = units_of_work(mall, mall.database(stage), size.of(300, small=16))
    return {WHOLE: Sample(value=done.value / TRANSACTIONS, checked=done.checked)}


def soak(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Redeem for ten minutes; compare the last minute with the first, and the memory held."""
    mall = Mall.of(stage)
    part_s = size.of(60, small=2)
    parts = size.of(10, small=3)
    mall.redeem(0)
    over = threading.Event()
    done: list[tuple[float, str]] = []
    began = clock.monotonic()
    held: list[float] = []

    def go_on(client: int) -> None:
        number = client
        while not over.is_set():
            done.append((clock.monotonic() - began, mall.redeem(number)))
            number += CLIENTS

    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(go_on, client) for client in range(CLIENTS)]
        for part in range(parts):
            while clock.monotonic() - began < (part + 1) * part_s and not over.is_set():
                clock.sleep(0.1)
                if any(one.done() for one in asked):
                    over.set()
            held.append(_resident(mall))
        over.set()
        for one in asked:
            one.result()
    checked = mall.all_in([order for _, order in done], "CAPTURED")
    rates = [
        sum(part * part_s <= at < (part + 1) * part_s for at, _ in done) for part in range(parts)
    ]
    if not rates[0]:
        raise NotSound("nothing was redeemed in the first part")
    return {
        STEADY: Sample(value=rates[-1] / rates[0], checked=checked),
        GROWN: Sample(value=held[-1] / held[0] - 1, checked=len(held)),
    }


def _resident(mall: Mall) -> float:
    """Return the bytes that our processes hold, the servers left out."""
    pids = [pid for name, pid in mall.system.processes().items() if name not in ("mongo", "kafka")]
    trees = [psutil.Process(pid) for pid in pids]
    everyone = [one for tree in trees for one in (tree, *tree.children(recursive=True))]
    return float(math.fsum(one.memory_info().rss for one in everyone))


ROWS = (
    Row(
        number=7,
        figures=(
            Figure(VOUCHER_50, "ms", at_most(150, "ours"), at_most(60, "ours")),
            Figure(VOUCHER_99, "ms", at_most(600, "ours"), at_most(200, "ours")),
            Figure(POINTS_50, "ms", at_most(150, "ours"), at_most(60, "ours")),
            Figure(POINTS_99, "ms", at_most(600, "ours"), at_most(200, "ours")),
        ),
        ours=delays,
        against="–",
    ),
    Row(
        number=10,
        figures=(Figure(WHOLE, "redemptions/s", at_least(0.7), at_least(0.85)),),
        ours=redemptions,
        theirs=transactions_of_them,
        against=f"the rate of units of work ÷ the {TRANSACTIONS} that one redemption takes",
    ),
    Row(
        number=14,
        figures=(
            Figure(STEADY, "of the first", at_least(0.9, "ours"), at_least(0.97, "ours")),
            Figure(GROWN, "of the first", at_most(0.10, "ours"), at_most(0.03, "ours")),
        ),
        ours=soak,
        against="–",
        by_default=False,
    ),
)
