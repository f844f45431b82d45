"""A shop with items, and people with points: for the rows about HTTP and whole redemptions."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import psutil
from pymongo import MongoClient
from pymongo.database import Database

from deploy.embedded.system import System
from services.store.settings import StoreSettings
from shared import clock, ids
from shared.auth import Grant, Principal, Role
from shared.mongo import ServiceDatabase
from shared.settings import load
from tests.faults.system import ADMIN_PHONE
from tests.journeys.town import Town
from tests.performance import burst, strangers
from tests.performance.row import NotSound
from tests.performance.stage import Stage

PEOPLE = 20
ITEMS = 4
PRICE = 1
MINUTES = 600
CLIENTS = 8
WITHIN_S = 60.0
TRIES_WHEN_BUSY = 5


_malls: WeakKeyDictionary[System, Mall] = WeakKeyDictionary()


class Mall:
    """A shop on a running system, its people, and connections of theirs."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.town = Town(self.system.urls, self.system.clock_offset_file, admin_phone=ADMIN_PHONE)
        self.shop = self.town.shop()
        # An account each: one alone has two requests at work, whoever stands at how many tills.
        self.tills = [self.town.till(self.shop).access for _ in range(CLIENTS)]
        self.items = [
            self.town.item(self.shop, price=PRICE, pieces=100_000, limit=1_000)
            for _ in range(ITEMS)
        ]
        self.people = [ids.new_id() for _ in range(PEOPLE)]
        strangers.served(self.system, self.people, region=self.town.community, minutes=MINUTES)
        self.tokens = strangers.tokens(self.system.environment("volunteers"), self.people)
        self.store = burst.Clients(self.system.urls["store"])
        self.ledger = burst.Clients(self.system.urls["ledger"])
        self._client: MongoClient[dict[str, Any]] | None = None

    @classmethod
    def of(cls, stage: Stage) -> Mall:
        """Return the mall of this stage's system: a new one, or on a kept system the same."""
        system = stage.system()
        if system not in _malls:
            _malls[system] = cls(system)
        mall = _malls[system]
        mall._client = MongoClient(system.mongo_uri, tz_aware=True)
        stage.callback(mall._client.close)
        return mall

    def db(self, service: str) -> Database[dict[str, Any]]:
        """Return a service's database, to look whether all is as it was told."""
        assert self._client is not None, "made by Mall.of"
        return self._client[f"gongxiang_{service}"]

    def order(self, number: int, *, wait: bool = False) -> Any:
        """Order as the person of that number; with ``wait`` until the ledger has answered."""
        headers = {"Idempotency-Key": ids.new_id()} | ({"Prefer": "wait=10"} if wait else {})
        body = {"item_id": self.items[number % ITEMS], "pieces": 1}
        token = self.tokens[self.people[number % PEOPLE]]
        for _ in range(TRIES_WHEN_BUSY):
            status, said, order = self.store.ask(
                "POST", "/orders", token=token, body=body, headers=headers
            )
            if status != 503:
                break
            # As everybody's program does: the same wish again, under the same key.
            clock.sleep(float(said["retry-after"]))
        if status != 202:
            raise NotSound(f"an order was answered with {status}: {order}")
        return order

    def redeem(self, number: int) -> str:
        """Order, show the voucher and let it be used; return the order's id."""
        order = self.order(number, wait=True)
        path = f"/orders/{order['order_id']}/voucher"
        status, _, voucher = self.store.ask(
            "GET", path, token=self.tokens[self.people[number % PEOPLE]]
        )
        if status != 200:
            raise NotSound(f"no voucher: {status} {voucher}")
        status, _, used = self.store.ask(
            "POST",
            f"/merchants/{self.shop.merchant_id}/voucher-uses",
            token=self.tills[number % CLIENTS],
            body={"code": voucher["code"]},
            headers={"Idempotency-Key": ids.new_id()},
        )
        if status != 201:
            raise NotSound(f"a voucher was not used: {status} {used}")
        return str(order["order_id"])

    def all_in(self, orders: Sequence[str], state: str) -> int:
        """Return how many orders there are once all are in a state; raise where some never come."""
        deadline = clock.monotonic() + WITHIN_S
        left = set(orders)
        while left:
            some = list(left)[:50]
            asked = {"_id": {"$in": some}, "state": state}
            found = self.db("store").orders.find(asked, {"_id": 1})
            left -= {row["_id"] for row in found}
            if clock.monotonic() > deadline:
                raise NotSound(f"{len(left)} of {len(orders)} orders never {state}")
            clock.sleep(0.02)
        return len(orders)

    @contextmanager
    def without_workers(self) -> Iterator[None]:
        """Let all workers stand still while what is inside runs; nothing may be open before."""
        names = [f"{service}-worker-0" for service in self.system.urls]
        for name in names:
            self.system.send_signal(name, signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                self.system.send_signal(name, signal.SIGCONT)

    def database(self, stage: Stage) -> ServiceDatabase:
        """Return the store's own database, as its web process opens it."""
        environment = {**self.system.environment("store"), "GONGXIANG_SLOT": "bench-store"}
        database = ServiceDatabase.connect(load(StoreSettings, environment), "store")
        stage.callback(database.close)
        return database

    def buyer(self, number: int) -> Principal:
        """Return the person of that number as a route sees it."""
        person = self.people[number % PEOPLE]
        return Principal(person_id=person, number="0", roles=(Grant(Role.VOLUNTEER, ""),))


class Cores:
    """Whose work the cores did meanwhile: each process's share of all that they could do."""

    def __init__(self, system: System) -> None:
        tops = {name: psutil.Process(pid) for name, pid in system.processes().items()}
        trees = {name: [top, *top.children(recursive=True)] for name, top in tops.items()}
        self._processes = {**trees, "clients": [psutil.Process()]}
        self._began = clock.monotonic()
        self._before = self._spent()

    def shares(self) -> dict[str, float]:
        """Return each process's share since the beginning, the largest first, no small ones."""
        could = (clock.monotonic() - self._began) * (psutil.cpu_count() or 1)
        after = self._spent()
        found = {name: (after[name] - self._before[name]) / could for name in after}
        ordered = sorted(found.items(), key=lambda one: -one[1])
        return {f"{name} (CPU)": share for name, share in ordered if share >= 0.02}

    def _spent(self) -> dict[str, float]:
        return {
            name: sum(sum(one.cpu_times()[:2]) for one in tree)
            for name, tree in self._processes.items()
        }


def side_by_side(do: Callable[[int], Any], times: int, *, clients: int = CLIENTS) -> list[Any]:
    """Do something so many times, by so many at once; return what each returned."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(do, range(times)))
