"""What is personal or secret lies nowhere in the open: not in databases, topics or logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from shared.logs import _JsonLines
from tests.contracts.stocked import ADMIN_PHONES, NAME, Stocked
from tests.journeys.house import SERVICES

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]


class Lines(logging.Handler):
    """Every line of the log as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(_JsonLines("all", "all"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    root, handler = logging.getLogger(), Lines()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(level)


def databases(there: Stocked) -> Iterator[tuple[str, bytes]]:
    """Yield every row of every service's database, as it lies there."""
    client: MongoClient[Any] = MongoClient(there.house.mongo.uri)
    for service in SERVICES:
        database = client[f"{there.house.prefix}{service}"]
        for name in database.list_collection_names():
            for row in database[name].find({}):
                yield f"{service}.{name}", bson.encode(row)
    client.close()


def test_no_name_telephone_token_or_code_lies_open_anywhere(
    there: Stocked, lines: list[str]
) -> None:
    town, volunteer = there.town, there.people["volunteer"]
    phone = "13899990000"
    confirmed = town._confirmed(phone)
    body = {**confirmed, "name": NAME, "region": town.community}
    joined = there.ask("volunteers", "POST", "/v1/volunteers", json=body).json()
    orders = there.ask("store", "GET", "/v1/orders", by="volunteer").json()["items"]
    open_order = next(order for order in orders if order["state"] == "CONFIRMED")
    voucher = town.voucher(volunteer, open_order["order_id"])
    shift = there.known["shift_id"][-1]
    path = f"/v1/shifts/{shift}/check-in-code"
    check_in = there.ask("activities", "GET", path, by="organiser").json()["code"]
    for wrong in ({"code": voucher, "x": NAME}, {"name": NAME, "phone": phone}, {"code": check_in}):
        for service, at in (
            ("volunteers", "/v1/sessions"),
            ("store", f"/v1/merchants/{there.shop.merchant_id}/voucher-uses"),
            ("activities", f"/v1/sign-ups/{there.known['sign_up_id'][0]}/check-ins"),
        ):
            there.ask(service, "POST", at, by="merchant", json=wrong)

    secrets = {
        "name": NAME,
        "phone": phone[3:],
        "administrator's phone": next(iter(ADMIN_PHONES.values())),
        "access token": joined["access_token"].split(".")[2],
        "refresh token": joined["refresh_token"][-40:],
        "another's token": volunteer.access.split(".")[2],
        "voucher": voucher,
        "voucher as it is read": voucher.replace("-", ""),
        "check-in code": check_in,
    }
    assert all(len(secret) >= 3 for secret in secrets.values()), secrets
    told = [(m.topic, m.body + repr(m.headers).encode()) for m in there.messages]
    logged = [("log", line.encode()) for line in lines]
    rows = list(databases(there))
    found = [
        f"{what} in {where}"
        for where, text in [*rows, *told, *logged]
        for what, secret in secrets.items()
        if secret.encode() in text
    ]
    assert found == []
    assert len(rows) > 100
    assert len(told) >= 10
    assert len(logged) > 10
    # What is looked for can be found: the same search sees an id that may lie everywhere.
    assert any(volunteer.volunteer_id.encode() in text for _, text in rows)
    assert any(volunteer.volunteer_id.encode() in text for _, text in told)
