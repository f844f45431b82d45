"""Who makes the load: each does one thing at a time, and all of them everything there is."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import datetime

from deploy.demo.client import Body, Refused, Service, Token
from shared import clock
from tests.faults.history import GaveUp
from tests.faults.history.recording import RecordingService
from tests.journeys.town import EARLY, Shop, Town

PEOPLE = 4
SERVED_HOURS = 8
SCANS_MAX = 5
CODE_EXPIRED = "code-expired"
VOUCHER_USED = "voucher-used"
ENDED = ("CONFIRMED", "REFUSED", "CANCELLED")
ANSWERED_WITHIN_S = 200.0
STOPS_S = (0.05, 0.4)
"""How long people rest between two things."""


class Day:
    """Some people serve a shift on a day to come: the only one who moves the clock."""

    def __init__(self, town: Town, dice: random.Random) -> None:
        self._town, self._dice = town, dice
        self.people = [town.volunteer(f"志愿者{number}") for number in range(PEOPLE)]
        self._days = 0

    def earn(self) -> None:
        """Publish a shift; let all serve it, and some be corrected."""
        town, services = self._town, self._town.services
        self._days += 1
        shift_id = town.shift(in_hours=24, hours=SERVED_HOURS, places=PEOPLE)
        sign_ups = {person: self._signed_up(person, shift_id) for person in self.people}
        shift = services.activities.get(f"/shifts/{shift_id}")
        there = {person: sign_up for person, sign_up in sign_ups.items() if sign_up}
        town.wait_until(datetime.fromisoformat(shift["starts_at"]) - EARLY)
        for person, sign_up in list(there.items()):
            if not self._scanned(person, sign_up, shift_id, "check-ins"):
                del there[person]
        town.wait_until(datetime.fromisoformat(shift["ends_at"]))
        for person, sign_up in there.items():
            if not self._scanned(person, sign_up, shift_id, "check-outs"):
                continue
            with suppress(GaveUp):
                record = town.confirm(sign_up)["record_id"]
                if self._dice.random() < 0.4:
                    self._correct(record)
        with suppress(GaveUp):
            services.activities.post(
                f"/activities/{shift['activity_id']}/closures", by=town.organiser
            )

    def _signed_up(self, person: Token, shift_id: str) -> str:
        with suppress(GaveUp):
            sign_up = self._town.sign_up(person, shift_id)
            if self._dice.random() < 0.2:
                self._town.withdraw(person, sign_up)
                sign_up = self._town.sign_up(person, shift_id)
            return sign_up
        return ""

    def _scanned(self, person: Token, sign_up: str, shift_id: str, what: str) -> bool:
        for _ in range(SCANS_MAX):  # a code lives for seconds, a fault may last longer
            try:
                self._town.scan(person, sign_up, shift_id, what)
            except GaveUp:
                return False
            except Refused as refused:
                if refused.code != CODE_EXPIRED:
                    raise
            else:
                return True
        return False

    def _correct(self, record_id: str) -> None:
        minutes = self._dice.randrange(0, SERVED_HOURS * 60 + 1, 15)
        body = {"minutes": minutes, "reason": f"更正 {self._days}-{self._dice.random()}"}
        path = f"/service-records/{record_id}/corrections"
        activities = self._town.services.activities
        activities.post(path, body, by=self._town.organiser, wait=self._dice.random() < 0.5)


class Spender:
    """Somebody who orders, shows the voucher, shows it again, or thinks better of it."""

    def __init__(
        self, town: Town, person: Token, shop: Shop, item: str, dice: random.Random
    ) -> None:
        self._town, self._dice = town, dice
        self._person, self._shop, self._item = person, shop, item

    def spend(self) -> None:
        """Order once, and see it to its end."""
        town, person, dice = self._town, self._person, self._dice
        order = town.order(person, self._item, pieces=dice.choice((1, 1, 2)))["order_id"]
        if dice.random() < 0.1:  # not waiting for the answer
            town.cancel(person, order)
            return
        order_now = town.order_in(person, order, *ENDED, seconds=ANSWERED_WITHIN_S)
        if order_now["state"] != "CONFIRMED":
            clock.sleep(1.0)
            return
        if dice.random() < 0.3:
            town.cancel(person, order)
            return
        code = town.voucher(person, order)
        town.use(self._shop, code)
        if dice.random() < 0.5:
            with suppress(Refused):  # the history says whether it was refused
                town.use(self._shop, code)
        town.order_as_it_is(person, order)
        clock.sleep(dice.uniform(*STOPS_S))


class Keeper:
    """Who runs the shop, and those who lead the district."""

    def __init__(self, town: Town, shop: Shop, item: str, dice: random.Random) -> None:
        self._town, self._dice = town, dice
        self._shop, self._item = shop, item
        self._services = town.services
        self._acts = (
            *(self._arrival, self._arrival, self._edit, self._settlement, self._shelf),
            *(self._names, self._roster, self._books, self._draft, self._new_item),
            *(self._role, self._merchant),
        )

    def act(self) -> None:
        """Do one of these things."""
        self._dice.choice(self._acts)()
        clock.sleep(self._dice.uniform(*STOPS_S))

    def _arrival(self) -> None:
        path = f"/items/{self._item}/stock-arrivals"
        body = {"pieces": self._dice.randint(1, 9)}
        self._services.store.post(path, body, by=self._shop.staff)

    def _edit(self) -> None:
        path = f"/items/{self._item}"
        seen = self._services.store.get(path, by=self._shop.staff)
        body = {"description": f"{self._dice.random()}"}
        _change(self._services.store, path, body, by=self._shop.staff, seen=seen)

    def _settlement(self) -> None:
        path = f"/merchants/{self._shop.merchant_id}/settlement-lines"
        self._services.store.get(path, by=self._shop.staff)

    def _shelf(self) -> None:
        self._services.store.get("/items", params={"region": self._town.district})
        self._services.store.get(f"/merchants/{self._shop.merchant_id}", by=self._shop.staff)

    def _names(self) -> None:
        people = [self._town.organiser.volunteer_id, self._shop.staff.volunteer_id]
        body = {"volunteer_ids": people}
        self._services.volunteers.post("/volunteer-names", body, by=self._town.organiser)

    def _roster(self) -> None:
        self._services.volunteers.get("/volunteers", by=self._town.admin, params={"limit": "20"})
        self._services.activities.get("/activities", params={"region": self._town.district})

    def _books(self) -> None:
        book, admin = f"/books/{self._town.district}", self._town.admin
        head = self._services.ledger.get(book, by=admin)["head"]
        after = {"after": str(max(0, head - 20)), "limit": "20"}
        self._services.ledger.get(f"{book}/postings", by=admin, params=after)
        self._services.ledger.get(f"{book}/trial-balance", by=admin)

    def _draft(self) -> None:
        self._town.shift(in_hours=24 * self._dice.randint(2, 9), places=2)

    def _new_item(self) -> None:
        self._town.item(self._shop, price=self._dice.randint(1, 300), pieces=5)

    def _role(self) -> None:
        person = self._town.volunteer("李四")
        grant = self._town.grant(person, "organiser")
        body = {"grant_id": grant}
        self._services.volunteers.post("/role-revocations", body, by=self._town.admin)

    def _merchant(self) -> None:
        self._town.shop()


class Newcomers:
    """People who join, sign in and out, edit their profile; some are frozen for a while."""

    def __init__(self, town: Town, dice: random.Random) -> None:
        self._town, self._dice = town, dice

    def act(self) -> None:
        """Let one more join, and do what newcomers do."""
        town, volunteers = self._town, self._town.services.volunteers
        phone = town.new_phone()
        person = town.volunteer("王五", phone)
        if self._dice.random() < 0.3:
            for status in ("frozen", "active"):
                town.set_status(person, status)
            return
        for name in ("赵六", "钱七"):
            seen = volunteers.get("/volunteers/me", by=person)
            _change(volunteers, "/volunteers/me", {"name": name}, by=person, seen=seen)
        person = town.refreshed(person)
        again = town.sign_in(phone)
        volunteers.get("/volunteers/me", by=again)
        volunteers.post("/session-ends", {"refresh_token": again.refresh}, by=again)
        clock.sleep(self._dice.uniform(*STOPS_S))


class Reader:
    """Somebody who looks at everything that is one's own."""

    def __init__(self, town: Town, people: list[Token], dice: random.Random) -> None:
        self._town, self._people, self._dice = town, people, dice

    def look(self) -> None:
        """Look at one thing."""
        person, services, book = self._dice.choice(self._people), self._town.services, "/books/"
        book += self._town.district
        match self._dice.randrange(8):
            case 0 | 1:
                services.ledger.get(f"{book}/balances/me", by=person)
            case 2:
                head = services.ledger.get(book, by=person)["head"]
                at_least = {"at_least": str(head)}
                services.ledger.get(f"{book}/balances/me", by=person, params=at_least)
            case 3:
                services.ledger.get(f"{book}/statements/me", by=person)
            case 4:
                services.store.get("/orders", by=person)
            case 5:
                services.activities.get("/service-records", by=person)
                services.activities.get("/sign-ups", by=person)
            case 6:
                services.volunteers.get("/volunteers/me/stars", by=person)
                services.volunteers.get("/volunteers/me/service-minutes", by=person)
            case _:
                services.activities.get("/shifts", params={"region": self._town.district})
        clock.sleep(self._dice.uniform(*STOPS_S))


def _change(service: Service, path: str, body: dict[str, str], *, by: Token, seen: Body) -> None:
    """Change what was seen; only the clients who write everything down can."""
    assert isinstance(service, RecordingService)
    service.patch(path, body, by=by, revision=seen["revision"])
