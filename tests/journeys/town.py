"""What people do in a small district, as sentences, over HTTP."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.demo.acknowledged import Acknowledged
from deploy.demo.client import Refused, Services, Token
from shared import clock

__all__ = ["Refused", "Shop", "Token", "Town"]

DISTRICT = "430211"
COMMUNITY = "430211001004"
EARLY = timedelta(minutes=5)
"""Minutes count within the shift, so who comes early is credited the whole of it."""
_phones = itertools.count(13_800_000_000)


@dataclass(frozen=True)
class Shop:
    """A merchant's pages: the merchant's id and its staff person."""

    merchant_id: str
    staff: Token


class Town:
    """One district with an administrator and two organisers; the second confirms the first's."""

    def __init__(
        self,
        urls: Mapping[str, str],
        clock_file: Path,
        *,
        admin_phone: str,
        community: str = COMMUNITY,
        services: Services | None = None,
    ) -> None:
        self.told = Acknowledged()
        self.services = services or Services.at(urls, over=threading.Event(), told=self.told)
        self.community = community
        self.district = community[:6]
        self._clock_file = clock_file
        clock.use(offset_file=str(clock_file), error_s=0)
        self.admin = self.sign_in(admin_phone)
        self.organiser = self.appointed("organiser")

    # People

    def sign_in(self, phone: str) -> Token:
        """Return the token of someone registered."""
        return _token(self.services.volunteers.post("/sessions", self._confirmed(phone)))

    def volunteer(self, name: str = "张三", phone: str | None = None) -> Token:
        """Return a newly registered volunteer."""
        phone = phone or self.new_phone()
        body = {**self._confirmed(phone), "name": name, "region": self.community}
        return _token(self.services.volunteers.post("/volunteers", body))

    def new_phone(self) -> str:
        """Return a telephone that nobody has."""
        return str(next(_phones))

    def appointed(self, role: str) -> Token:
        """Return a new person with a role in the whole district."""
        person = self.volunteer("李四")
        self.grant(person, role)
        return self.refreshed(person)

    def grant(self, person: Token, role: str) -> str:
        """Let a person act in a role in the whole district; return the grant."""
        body = {"role": role, "region": self.district}
        path = f"/volunteers/{person.volunteer_id}/roles"
        return str(self.services.volunteers.post(path, body, by=self.admin)["grant_id"])

    def refreshed(self, person: Token) -> Token:
        """Return a person's next tokens, with the roles of now."""
        body = {"refresh_token": person.refresh}
        return _token(self.services.volunteers.post("/session-refreshes", body))

    def set_status(self, person: Token, status: str) -> None:
        """Freeze, free or close a person."""
        path = f"/volunteers/{person.volunteer_id}/status-changes"
        body = {"status": status, "reason": "检查 check"}
        self.services.volunteers.post(path, body, by=self.admin)

    def _confirmed(self, phone: str) -> dict[str, str]:
        asked = self.services.volunteers.post("/phone-confirmations", {"phone": phone})
        code, confirmation = asked["embedded_code"], asked["confirmation_id"]
        return {"phone": phone, "code": code, "confirmation_id": confirmation}

    # Time

    def now(self) -> datetime:
        """Return what the clock of all processes of this town shows, whatever other towns do."""
        return clock.real_now() + timedelta(seconds=self._ahead())

    def wait_until(self, moment: datetime) -> None:
        """Move the clock of all processes on; forwards only."""
        ahead = (moment - clock.real_now()).total_seconds()
        if ahead > self._ahead():
            clock.advance_file(self._clock_file, ahead)
            clock.sleep(0.15)

    def _ahead(self) -> float:
        return float(self._clock_file.read_text(encoding="utf-8"))

    # Serving

    def shift(self, *, in_hours: float = 4, hours: float = 2, places: int = 5) -> str:
        """Return a shift of a newly published activity."""
        starts = self.now().replace(second=0, microsecond=0) + timedelta(hours=in_hours)
        ends = starts + timedelta(hours=hours)
        body = {
            "title": "银龄陪伴",
            "summary": "陪独居老人聊天",
            "kind": "care",
            "region": self.community,
            "shifts": [
                {"starts_at": starts.isoformat(), "ends_at": ends.isoformat(), "places": places}
            ],
        }
        activities = self.services.activities
        made = activities.post("/activities", body, by=self.organiser)
        activity = made["activity_id"]
        activities.post(f"/activities/{activity}/publications", by=self.organiser)
        shifts = activities.get(f"/activities/{activity}/shifts")["items"]
        return str(shifts[0]["shift_id"])

    def sign_up(self, person: Token, shift_id: str, *, key: str | None = None) -> str:
        """Return the sign-up of a person on a shift."""
        path = f"/shifts/{shift_id}/sign-ups"
        return str(self.services.activities.post(path, by=person, key=key)["sign_up_id"])

    def withdraw(self, person: Token, sign_up_id: str) -> None:
        """Give the place back."""
        self.services.activities.post(f"/sign-ups/{sign_up_id}/withdrawals", by=person)

    def attend(self, person: Token, sign_up_id: str, shift_id: str, *, share: float = 1.0) -> None:
        """Come early and leave after a share of the shift; the clock moves on."""
        activities = self.services.activities
        shift = activities.get(f"/shifts/{shift_id}")
        starts, ends = (datetime.fromisoformat(shift[k]) for k in ("starts_at", "ends_at"))
        self.wait_until(starts - EARLY)
        self.scan(person, sign_up_id, shift_id, "check-ins")
        self.wait_until(starts + (ends - starts) * share)
        self.scan(person, sign_up_id, shift_id, "check-outs")

    def scan(self, person: Token, sign_up_id: str, shift_id: str, what: str) -> None:
        """Check in or out (``check-ins``, ``check-outs``) by the code that the organiser shows."""
        activities = self.services.activities
        shown = activities.get(f"/shifts/{shift_id}/check-in-code", by=self.organiser)
        activities.post(f"/sign-ups/{sign_up_id}/{what}", {"code": shown["code"]}, by=person)

    def served(self, person: Token, *, hours: float = 2) -> str:
        """Return the sign-up of a person who came and stayed."""
        shift_id = self.shift(hours=hours)
        sign_up_id = self.sign_up(person, shift_id)
        self.attend(person, sign_up_id, shift_id)
        return sign_up_id

    def confirm(self, sign_up_id: str, *, by: Token | None = None, key: str | None = None) -> Any:
        """Ask for a service to be confirmed; answer with its record as it is after ≤ 5 s."""
        path = f"/sign-ups/{sign_up_id}/service-records"
        return self.services.activities.post(path, {}, by=by or self.organiser, key=key, wait=True)

    def correct(self, record_id: str, *, minutes: int) -> Any:
        """Correct a record; answer with it as it is after ≤ 5 s."""
        body = {"minutes": minutes, "reason": "提前离开 left early"}
        path = f"/service-records/{record_id}/corrections"
        return self.services.activities.post(path, body, by=self.organiser, wait=True)

    def earned(self, person: Token, *, hours: float = 2) -> Any:
        """Return the banked record of a person who served."""
        record = self.confirm(self.served(person, hours=hours))
        return self.banked(record["record_id"])

    def record(self, record_id: str) -> Any:
        """Return a service record."""
        return self.services.activities.get(f"/service-records/{record_id}", by=self.organiser)

    def banked(self, record_id: str, seconds: float = 60) -> Any:
        """Return the record once it is banked."""
        deadline = clock.monotonic() + seconds
        while (record := self.record(record_id))["state"] != "BANKED":
            assert clock.monotonic() < deadline, f"not banked within {seconds} s: {record}"
            clock.sleep(0.1)
        return record

    # Spending

    def shop(self) -> Shop:
        """Return an approved merchant."""
        staff = self.appointed("merchant")
        body = {"name": "社区便利店", "kind": "merchant", "region": self.community}
        merchant = self.services.store.post("/merchants", body, by=staff)["merchant_id"]
        self.services.store.post(f"/merchants/{merchant}/approvals", by=self.admin)
        return Shop(merchant, staff)

    def till(self, shop: Shop) -> Token:
        """Return one more person of a merchant's staff."""
        person = self.appointed("merchant")
        path = f"/merchants/{shop.merchant_id}/staff"
        self.services.store.post(path, {"volunteer_id": person.volunteer_id}, by=shop.staff)
        return person

    def item(self, shop: Shop, *, price: int = 100, pieces: int = 100, limit: int = 50) -> str:
        """Return an item on the shelf; the price in hundredths of a point."""
        body = {
            "title": "洗衣液",
            "kind": "goods",
            "price": price,
            "pieces": pieces,
            "limit_a_month": limit,
        }
        path = f"/merchants/{shop.merchant_id}/items"
        return str(self.services.store.post(path, body, by=shop.staff)["item_id"])

    def order(self, person: Token, item_id: str, *, pieces: int = 1, key: str | None = None) -> Any:
        """Ask to redeem; answer with the order as it is after ≤ 5 s."""
        body = {"item_id": item_id, "pieces": pieces}
        return self.services.store.post("/orders", body, by=person, key=key, wait=True)

    def order_as_it_is(self, person: Token, order_id: str) -> Any:
        """Return the order now."""
        return self.services.store.get(f"/orders/{order_id}", by=person)

    def order_in(self, person: Token, order_id: str, *states: str, seconds: float = 60) -> Any:
        """Return the order once it is in one of these states."""
        deadline = clock.monotonic() + seconds
        while (order := self.order_as_it_is(person, order_id))["state"] not in states:
            assert clock.monotonic() < deadline, f"not in {states} within {seconds} s: {order}"
            clock.sleep(0.1)
        return order

    def voucher(self, person: Token, order_id: str) -> str:
        """Return the code that the owner shows."""
        return str(self.services.store.get(f"/orders/{order_id}/voucher", by=person)["code"])

    def use(self, shop: Shop, code: str, *, key: str | None = None) -> Any:
        """Let the merchant verify a voucher."""
        path = f"/merchants/{shop.merchant_id}/voucher-uses"
        return self.services.store.post(path, {"code": code}, by=shop.staff, key=key)

    def cancel(self, person: Token, order_id: str) -> Any:
        """Give an order up; answer with it as it is after ≤ 5 s."""
        path = f"/orders/{order_id}/cancellations"
        return self.services.store.post(path, by=person, wait=True)

    def redeemed(self, person: Token, shop: Shop, item_id: str) -> Any:
        """Return the captured order of a person who ordered and showed the voucher."""
        order = self.order(person, item_id)
        self.order_in(person, order["order_id"], "CONFIRMED")
        self.use(shop, self.voucher(person, order["order_id"]))
        return self.order_in(person, order["order_id"], "CAPTURED")

    def balance(self, person: Token) -> Any:
        """Return a person's balance in the district's book."""
        return self.services.ledger.get(f"/books/{self.district}/balances/me", by=person)


def _token(answer: Mapping[str, Any]) -> Token:
    return Token(
        access=answer["access_token"],
        refresh=answer["refresh_token"],
        volunteer_id=answer["volunteer_id"],
    )
