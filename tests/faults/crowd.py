"""A crowd that goes on through faults; all that it was told is held against the books."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from deploy.demo.client import Token
from shared import clock
from tests.journeys.town import EARLY, Refused, Shop, Town

PEOPLE = 4
SERVED_HOURS = 8
PATIENCE_S = 150.0
"""An order may be placed just before a server goes away, and wait for all of its absence."""


@dataclass
class Told:
    """What the services acknowledged, by the clients that were told."""

    records: list[str] = field(default_factory=list)
    captured: list[tuple[Token, str]] = field(default_factory=list)
    cancelled: list[tuple[Token, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: list[Any], value: Any) -> None:
        """Keep one acknowledgement."""
        with self.guard:
            what.append(value)


class Crowd:
    """Some people who serve, order, show their vouchers and cancel, until they are sent home.

    Within it they may be at work; when it is left, they have left too.
    """

    def __init__(self, town: Town, *, seed: int) -> None:
        self._town = town
        self._seed = seed
        self._home = threading.Event()
        self.told = Told()
        self._people = [town.volunteer(f"志愿者{number}") for number in range(PEOPLE)]
        self._shop = town.shop()
        self._item = town.item(self._shop, price=50, pieces=10_000, limit=1_000)
        self._errors: list[BaseException] = []
        self._pool = ThreadPoolExecutor(PEOPLE + 1)

    def earn(self) -> None:
        """Let all serve eight hours once, on a day to come."""
        town = self._town
        shift = town.shift(in_hours=24, hours=SERVED_HOURS, places=PEOPLE)
        sign_ups = [town.sign_up(person, shift) for person in self._people]
        starts_and_ends = town.services.activities.get(f"/shifts/{shift}")
        town.wait_until(datetime.fromisoformat(starts_and_ends["starts_at"]) - EARLY)
        for person, sign_up in zip(self._people, sign_ups, strict=True):
            self._scan(person, sign_up, shift, "check-ins")
        town.wait_until(datetime.fromisoformat(starts_and_ends["ends_at"]))
        for person, sign_up in zip(self._people, sign_ups, strict=True):
            self._scan(person, sign_up, shift, "check-outs")
            record = town.confirm(sign_up)
            self.told.note(self.told.records, record["record_id"])

    def go(self, *, earning: bool = True) -> None:
        """Begin: one thread serves on, where some are to earn, the others spend."""
        if earning:
            self._pool.submit(self._on, self.earn)
        for number, person in enumerate(self._people):
            dice = random.Random(f"{self._seed}:{number}")
            self._pool.submit(self._on, self._spender(person, self._shop, dice))

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave, however the test went: nobody is to be at work on what others look at."""
        self._home.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def send_home(self) -> None:
        """Let everyone finish what they are at; raise what went wrong for any."""
        self._home.set()
        self._pool.shutdown(wait=True)
        if self._errors:
            raise self._errors[0]

    def all_kept(self, seconds: float = 60) -> None:
        """Check that what was acknowledged came to its end: none lost, none otherwise."""
        town = self._town
        for record in self.told.records:
            town.banked(record, seconds)
        for person, order in self.told.captured:
            town.order_in(person, order, "CAPTURED", seconds=seconds)
        for person, order in self.told.cancelled:
            town.order_in(person, order, "CANCELLED", seconds=seconds)

    def _on(self, act: Any) -> None:
        try:
            while not self._home.is_set():
                act()
        except BaseException as error:
            self._errors.append(error)
            self._home.set()
            raise

    def _scan(self, person: Token, sign_up: str, shift: str, what: str) -> None:
        """Scan the code shown; one that a fault has outlived is shown anew."""
        while True:
            try:
                return self._town.scan(person, sign_up, shift, what)
            except Refused as refused:
                if refused.code != "code-expired":
                    raise

    def _spender(self, person: Token, shop: Shop, dice: random.Random) -> Any:
        def spend() -> None:
            town = self._town
            order = town.order(person, self._item)["order_id"]
            answers = ("CONFIRMED", "REFUSED", "CANCELLED")
            state = town.order_in(person, order, *answers, seconds=PATIENCE_S)["state"]
            if state != "CONFIRMED":
                self.told.note(self.told.refused, order)
                clock.sleep(0.2)
            elif dice.random() < 0.7:
                code = town.voucher(person, order)
                town.use(shop, code)
                self.told.note(self.told.captured, (person, order))
                self._shown_again(shop, code)
            else:
                town.cancel(person, order)
                self.told.note(self.told.cancelled, (person, order))

        return spend

    def _shown_again(self, shop: Shop, code: str) -> None:
        with pytest.raises(Refused) as refused:
            self._town.use(shop, code)
        assert refused.value.code == "voucher-used", refused.value
