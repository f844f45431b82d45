"""A day in the district that does everything once, whatever crashes meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import requests

from shared import clock
from tests.activities.nyc import nyc_file, nyc_mapping
from tests.journeys.town import Refused, Shop, Token, Town

AGAIN_WITHIN_S = 60.0
PAUSE_S = 0.1


def lived(town: Town, number: int) -> None:
    """Live a day of new people; what each has at its end is known to the hundredth of a point."""
    person = _registered(town, number)
    shop = _shop(town)
    item = _item(town, shop)
    _published(town)
    _imported(town, number)
    _served(town, person)
    _redeemed(town, person, shop, item)
    _frozen(town, person, item)
    _expired(town, person, item)


def _registered(town: Town, number: int) -> Token:
    volunteers = town.services.volunteers
    person = town.volunteer(f"志愿者{number}")
    edit(town, "volunteers", "/volunteers/me", {"name": "王五"}, by=person)
    grant = volunteers.post(
        f"/volunteers/{person.volunteer_id}/roles",
        {"role": "organiser", "region": town.district},
        by=town.admin,
    )
    volunteers.post("/role-revocations", {"grant_id": grant["grant_id"]}, by=town.admin)
    away = town.volunteer("赵六")
    volunteers.post("/session-ends", {"refresh_token": away.refresh})
    return person


def _shop(town: Town) -> Shop:
    shop, store = town.shop(), town.services.store
    path = f"/merchants/{shop.merchant_id}"
    helper = {"volunteer_id": town.organiser.volunteer_id}
    store.post(f"{path}/staff", helper, by=shop.staff)
    store.post(f"{path}/staff-removals", helper, by=shop.staff)
    store.post(f"{path}/suspensions", {"reason": "检查 check"}, by=town.admin)
    store.post(f"{path}/approvals", by=town.admin)
    return shop


def _item(town: Town, shop: Shop) -> str:
    item = town.item(shop, price=100, pieces=3)
    town.services.store.post(f"/items/{item}/stock-arrivals", {"pieces": 2}, by=shop.staff)
    edit(town, "store", f"/items/{item}", {"title": "洗洁精"}, by=shop.staff)
    return item


def _published(town: Town) -> None:
    activities = town.services.activities
    starts = clock.now().replace(second=0, microsecond=0) + timedelta(hours=30)
    shift = {
        "starts_at": starts.isoformat(),
        "ends_at": (starts + timedelta(hours=1)).isoformat(),
        "places": 2,
    }
    body = {"title": "河边清洁", "region": town.community, "shifts": [shift]}
    made = activities.post("/activities", body, by=town.organiser)["activity_id"]
    edit(town, "activities", f"/activities/{made}", {"title": "河岸清洁"}, by=town.organiser)
    activities.post(f"/activities/{made}/shifts", shift, by=town.organiser)
    activities.post(f"/activities/{made}/publications", by=town.organiser)
    activities.post(f"/activities/{made}/closures", by=town.organiser)


def _imported(town: Town, number: int) -> None:
    activities = town.services.activities
    rows = [{"opportunity_id": f"{number}-{row}", "title": f"活动{row}"} for row in range(24)]
    rows[7]["title"] = ""
    form = {
        "file": ("activities.csv", nyc_file(*rows), "text/csv"),
        "mapping": json.dumps(nyc_mapping()),
    }
    taken = activities.post("/imports", form=form, by=town.admin)
    deadline = clock.monotonic() + AGAIN_WITHIN_S
    path = f"/imports/{taken['import_id']}"
    while (shown := activities.get(path, by=town.admin))["state"] != "done":
        assert clock.monotonic() < deadline, shown
        clock.sleep(PAUSE_S)
    told = activities.pages(f"{path}/rows", by=town.admin, params={})
    outcomes = [row["outcome"] for row in sorted(told, key=lambda row: row["line"])]
    assert outcomes.count("rejected") == 1, outcomes
    assert len(outcomes) == len(rows), outcomes


def _served(town: Town, person: Token) -> None:
    shift = town.shift(hours=3)
    town.withdraw(person, town.sign_up(person, shift))
    record = town.confirm(town.served(person, hours=3))["record_id"]
    town.banked(record)
    town.correct(record, minutes=120)
    record = town.banked(record)
    assert (record["version"], town.balance(person)["available"]) == (2, 200)


def _redeemed(town: Town, person: Token, shop: Shop, item: str) -> None:
    town.redeemed(person, shop, item)
    second = town.order(person, item)["order_id"]
    town.order_in(person, second, "CONFIRMED")
    town.cancel(person, second)
    town.order_in(person, second, "CANCELLED")
    third = town.order(person, town.item(shop, price=500))["order_id"]
    refused = town.order_in(person, third, "REFUSED")
    assert refused["refused_reason"] == "insufficient-points"
    assert _points(town, person) == (100, 0)


def _frozen(town: Town, person: Token, item: str) -> None:
    town.set_status(person, "frozen")
    with suppress(Refused):
        # Whoever was not told yet says yes, and the voucher is given back.
        order = town.order(person, item)["order_id"]
        if town.order_in(person, order, "CONFIRMED", "REFUSED")["state"] == "CONFIRMED":
            town.cancel(person, order)
            town.order_in(person, order, "CANCELLED")
    town.set_status(person, "active")


def _expired(town: Town, person: Token, item: str) -> None:
    """Let a voucher expire unused: the sweep gives the points back."""
    order = _ordered(town, person, item)
    last_day = datetime.combine(date.fromisoformat(order["last_day"]), time(), UTC)
    town.wait_until(last_day + timedelta(days=2))
    town.order_in(person, order["order_id"], "CANCELLED")
    assert _points(town, person) == (100, 0)


def _ordered(town: Town, person: Token, item: str) -> Any:
    """Order until neither a copy nor the book says any more that the person is frozen."""
    deadline = clock.monotonic() + AGAIN_WITHIN_S
    while True:
        assert clock.monotonic() < deadline
        with suppress(Refused):  # by a copy that still says frozen
            order = town.order(person, item)["order_id"]
            shown = town.order_in(person, order, "CONFIRMED", "REFUSED")
            if shown["state"] == "CONFIRMED":
                return shown
        clock.sleep(PAUSE_S)


def _points(town: Town, person: Token) -> tuple[int, int]:
    balance = town.balance(person)
    return balance["available"], balance["held"]


def edit(
    town: Town, service: str, path: str, changes: Mapping[str, Any], *, by: Token
) -> Mapping[str, Any]:
    """Change a resource as it is now; again, as it is then, where no answer came."""
    url = f"{getattr(town.services, service)._url}/v1{path}"
    known = {"Authorization": f"Bearer {by.access}"}
    deadline = clock.monotonic() + AGAIN_WITHIN_S
    while True:
        assert clock.monotonic() < deadline, f"{path} was not changed"
        try:
            shown = requests.get(url, headers=known, timeout=10)
            tag = shown.headers["ETag"]
            done = requests.patch(
                url, json=dict(changes), headers={**known, "If-Match": tag}, timeout=10
            )
        except (requests.ConnectionError, KeyError):
            clock.sleep(PAUSE_S)
            continue
        if done.ok:
            return dict(done.json())
        assert done.status_code in (412, 503), done.text
