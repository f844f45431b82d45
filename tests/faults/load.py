"""A steady load of all kinds of requests, by clients who go on through faults.

Whoever is not answered repeats with the same key, or gives up; some repeat what was answered. What
each was told is written into a history, which is held against the databases afterwards.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.demo.client import Broken, Refused
from shared import clock
from shared.settings import Settings
from tests.faults.history import (
    GaveUp,
    History,
    Manners,
    Verdict,
    check,
    found_in,
    recording_services,
)
from tests.faults.people import Day, Keeper, Newcomers, Reader, Spender
from tests.journeys.town import Town

SPENDERS = 3
PATIENCE_S = 240.0
"""So long may somebody take to finish what he is at: a client repeats for up to a minute."""
MANNERS = {"give_up": 0.1, "say_again": 0.1}
FORESEEN = frozenset(
    {
        *("out-of-stock", "voucher-used", "order-not-confirmed"),
        *("order-cancelled", "order-refused", "voucher-expired"),
        # What follows when somebody gave up a step before, or came too late for it.
        *("code-expired", "already-checked-in", "not-checked-in", "check-out-closed"),
        *("already-signed-up", "check-in-not-open", "changed-meanwhile", "not-attended"),
        *("checked-in-elsewhere", "still-present", "already-withdrawn", "already-confirmed"),
        *("overlapping-sign-up", "sign-up-closed", "withdrawal-too-late"),
    }
)
"""Refusals that belong to the plan; any other ends the load with an error."""


class Stuck(Exception):
    """Somebody of the load did not come to an end in time."""


class Load:
    """People who do all that can be done in a district, until they are sent home."""

    def __init__(
        self,
        urls: Mapping[str, str],
        clock_file: Path,
        mongo_uri: str,
        *,
        admin_phone: str,
        seed: str,
        database_prefix: str = Settings.database_prefix,
    ) -> None:
        self._mongo_uri, self._prefix = mongo_uri, database_prefix
        with MongoClient[dict[str, Any]](mongo_uri) as client:
            self.history = History(
                found_in(lambda service: client[database_prefix + service]),
                client[database_prefix + "ledger"]["journal"].distinct("_id"),
            )
        self._manners = Manners(seed)
        self._over = threading.Event()
        services = recording_services(
            urls, history=self.history, manners=self._manners, over=self._over
        )
        self.town = Town(urls, clock_file, admin_phone=admin_phone, services=services)
        self.day = Day(self.town, random.Random(f"{seed}:day"))
        self.day.earn()
        people, shop = self.day.people, self.town.shop()
        item = self.town.item(shop, price=50, pieces=200, limit=1_000)
        self._threads = [
            threading.Thread(target=self._go_on, args=(act,), name=f"{name}-{n}", daemon=True)
            for n, (name, act) in enumerate(
                [
                    ("day", self.day.earn),
                    *(
                        ("spender", Spender(self.town, person, shop, item, _dice(seed, n)).spend)
                        for n, person in enumerate(people[:SPENDERS])
                    ),
                    ("keeper", Keeper(self.town, shop, item, _dice(seed, "keeper")).act),
                    ("newcomer", Newcomers(self.town, _dice(seed, "newcomer")).act),
                    ("reader", Reader(self.town, people, _dice(seed, "reader")).look),
                ]
            )
        ]
        self._home = threading.Event()
        self._open = threading.Event()
        self._at_it = {thread.name: threading.Lock() for thread in self._threads}
        self.refusals: Counter[str] = Counter()
        self.gave_up = 0
        self.errors: list[BaseException] = []

    def go(self) -> None:
        """Let everybody begin."""
        self.resume()
        for thread in self._threads:
            thread.start()

    def pause(self) -> None:
        """Return when everybody has finished what he is at, and nobody begins anything."""
        self._open.clear()
        self._manners.give_up = self._manners.say_again = 0.0
        deadline = clock.monotonic() + PATIENCE_S
        for name, busy in self._at_it.items():
            if not busy.acquire(timeout=max(0.1, deadline - clock.monotonic())):
                raise Stuck(f"{name} does not come to an end within {PATIENCE_S:.0f} s")
            busy.release()

    def resume(self) -> None:
        """Let everybody go on."""
        self._manners.give_up = MANNERS["give_up"]
        self._manners.say_again = MANNERS["say_again"]
        self._open.set()

    def send_home(self) -> None:
        """Let everybody finish what he is at; raise what went wrong for any."""
        self._home.set()
        try:
            self.pause()
        finally:
            self.leave()
        self.raise_errors()

    def leave(self) -> None:
        """Go without waiting for what anybody is at."""
        self._home.set()
        self._over.set()
        self._open.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(1.0)

    def raise_errors(self) -> None:
        """Raise the first thing that went wrong for anybody."""
        if self.errors:
            raise self.errors[0]

    def verdict(self) -> Verdict:
        """Hold all that was told against the databases, which must be at rest."""
        return check(self.history, self._mongo_uri, database_prefix=self._prefix)

    def _go_on(self, act: Callable[[], None]) -> None:
        busy = self._at_it[threading.current_thread().name]
        while not self._home.is_set():
            self._open.wait()
            with busy:
                if not self._open.is_set() or self._home.is_set():
                    continue
                try:
                    act()
                except GaveUp:
                    self.gave_up += 1
                except Broken:  # nobody answered for a minute; a 5xx is in the history
                    self.gave_up += 1
                except Refused as refused:
                    self.refusals[refused.code] += 1
                    if refused.code not in FORESEEN:
                        self.errors.append(refused)
                        return
                except BaseException as error:  # noqa: BLE001 - raised where the load is waited for
                    self.errors.append(error)
                    return
            clock.sleep(0.05)


def _dice(seed: str, who: object) -> random.Random:
    return random.Random(f"{seed}:{who}")
