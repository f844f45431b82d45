"""MongoDB slow, and cut off either way: each request is answered in time, and all is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests

from deploy.demo import client
from deploy.embedded.local_server import free_port
from deploy.embedded.servers import MongoServer
from deploy.embedded.system import SERVICES, System
from shared import clock, ids
from tests.faults.audited import holds
from tests.faults.crowd import Crowd
from tests.faults.customer import Customer
from tests.faults.proxy import DIRECTIONS, Direction, Proxy
from tests.faults.system import ADMIN_PHONE, started
from tests.journeys.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(420)]

CUT_S = [float(text) for text in os.environ.get("GONGXIANG_CUT_S", "5").split(",")]
"""How long the database is cut off: 5 s in the suite, `GONGXIANG_CUT_S=5,30,60` by hand."""
SLOWER_S = 0.2
SLOW_ORDER_WITHIN_S = 30.0
ANSWERED_WITHIN_S = 14.0
"""No request hangs: by then each is answered, with 503 where the database cannot be had."""
GOES_ON_WITHIN_S = 30.0
"""A worker may have to see first that its connections are dead; with time to spare."""


@dataclass(frozen=True)
class Answered:
    """What one request was answered while the database was away, and after how long."""

    what: str
    status: int
    retry_after: str | None
    seconds: float


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, Proxy]]:
    """A system whose processes reach the database through a proxy; the audit goes past it."""
    data_dir = tmp_path_factory.mktemp("proxied")
    with Proxy(MongoServer(data_dir / "mongo").port, port=free_port()) as proxy:
        uri = (
            f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true"
            "&w=majority&journal=true&readConcernLevel=majority"
        )
        system = started(data_dir, settings={"GONGXIANG_MONGO_URI": uri})
        yield system, proxy
        proxy.slow(0)
        proxy.heal()
        system.stop()


@pytest.fixture(scope="module")
def town(proxied: tuple[System, Proxy]) -> Town:
    """Tianyuan district on that system."""
    system, _ = proxied
    return Town(system.urls, system.clock_offset_file, admin_phone=ADMIN_PHONE)


@pytest.fixture(autouse=True)
def healed(proxied: tuple[System, Proxy], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let people ask on for longer than the longest cut, and no fault outlive its test."""
    monkeypatch.setattr(client, "ANSWER_WITHIN_S", 60 + 2 * max(CUT_S))
    yield
    _, proxy = proxied
    proxy.slow(0)
    proxy.heal()


@pytest.fixture(scope="module")
def customer(town: Town) -> Customer:
    """One customer of the town."""
    return Customer(town)


def asked_once(town: Town, system: System) -> list[Answered]:
    """Ask every service one thing that reads and the store one that writes, all at once, once."""
    person = town.admin
    headers = {"Authorization": f"Bearer {person.access}", "Idempotency-Key": ids.new_id()}
    wishes = [("GET", f"{system.urls[name]}/readyz") for name in SERVICES]
    wishes += [
        ("GET", f"{system.urls['volunteers']}/v1/volunteers/me"),
        ("GET", f"{system.urls['ledger']}/v1/books/{town.district}/balances/me"),
        ("POST", f"{system.urls['store']}/v1/orders"),
    ]

    def ask(wish: tuple[str, str]) -> Answered:
        method, url = wish
        began = clock.monotonic()
        body = {"item_id": ids.new_id(), "pieces": 1} if method == "POST" else None
        answer = requests.request(
            method, url, headers=headers, json=body, timeout=ANSWERED_WITHIN_S + 40
        )
        took = clock.monotonic() - began
        retry_after = answer.headers.get("Retry-After")
        return Answered(f"{method} {url}", answer.status_code, retry_after, took)

    with ThreadPoolExecutor(len(wishes)) as pool:
        return list(pool.map(ask, wishes))


def test_a_slow_database_makes_a_slow_day(
    proxied: tuple[System, Proxy], town: Town, customer: Customer
) -> None:
    system, proxy = proxied
    with Crowd(town, seed=1) as crowd:
        crowd.earn()
        proxy.slow(SLOWER_S)
        crowd.go(earning=False)  # a whole day takes minutes like this
        took = customer.served_within(SLOW_ORDER_WITHIN_S)
        crowd.send_home()
    proxy.slow(0)
    crowd.all_kept()
    print(f"\nan order confirmed after {took:.1f} s, {len(crowd.told.captured)} captured")
    assert crowd.told.captured or crowd.told.cancelled
    holds(system, town.told.answers)


@pytest.mark.parametrize("seconds", CUT_S)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_cut_off(
    proxied: tuple[System, Proxy],
    town: Town,
    customer: Customer,
    direction: Direction,
    seconds: float,
) -> None:
    system, proxy = proxied
    with Crowd(town, seed=2) as crowd:
        crowd.earn()
        crowd.go()
        clock.sleep(1)
        proxy.cut(direction)
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(asked_once, town, system)
            clock.sleep(seconds)
            proxy.heal()
            took = customer.served_within(GOES_ON_WITHIN_S)
            answered = asked.result()
        crowd.send_home()
    crowd.all_kept()
    longest = max(answered, key=lambda one: one.seconds)
    print(
        f"\ncut {seconds:.0f} s {direction}: answered {[one.status for one in answered]}, the last "
        f"after {longest.seconds:.1f} s; an order confirmed {took:.1f} s after it was healed"
    )
    assert longest.seconds <= ANSWERED_WITHIN_S, longest
    assert {one.status for one in answered} <= {200, 404, 503}
    assert {one.retry_after for one in answered if one.status == 503} <= {"1"}
    holds(system, town.told.answers)
