"""A district in which everything that one may ask for is there, and a second one beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from deploy.embedded.servers import MongoServer
from shared import ids
from shared.kafka import Message
from tests.contracts.carrying import carried
from tests.journeys.house import SERVICES, House
from tests.journeys.town import Shop, Token, Town

DISTRICT, OTHER_DISTRICT = "430211", "120112"
COMMUNITIES = {DISTRICT: "430211001004", OTHER_DISTRICT: "120112001001"}
ADMIN_PHONES = {DISTRICT: "13700000001", OTHER_DISTRICT: "13700000002"}
NAME = "王小明"
"""The name of everybody who volunteers here: it may stand in no log, no event and no problem."""

MAPPING = {
    "source": "bad-input",
    "columns": {"title": "名称", "start_date": "日期"},
    "regions": [f"{DISTRICT}001004"],
    "dates": {"formats": ["%Y-%m-%d"]},
    "places": {"default": 5},
}


@dataclass
class Stocked:
    """A house, its two towns, who plays which role in the first, and what is there by its name."""

    house: House
    town: Town
    other: Town
    people: dict[str, Token]
    """A person for each role, of the first district."""

    shop: Shop
    known: dict[str, list[str]] = field(default_factory=dict)
    """What may stand in for a variable of a path or a field of a body, by its name."""

    messages: list[Message] = field(default_factory=list)
    """All that was told while the district was stocked."""

    def ask(
        self, service: str, method: str, path: str, *, by: str | None = None, **more: Any
    ) -> requests.Response:
        """Ask as the person of a role, with a key of its own."""
        headers = {"Idempotency-Key": ids.new_id(), **more.pop("headers", {})}
        if by is not None:
            headers["Authorization"] = f"Bearer {self.people[by].access}"
        url = self.house.urls[service] + path
        return requests.request(method, url, headers=headers, timeout=20, **more)

    def learn(self, answer: Any) -> None:
        """Remember every id of an answer under its name."""
        if isinstance(answer, Mapping):
            for name, value in answer.items():
                if isinstance(value, str) and name.endswith("_id") and value:
                    self.remember(name, value)
                else:
                    self.learn(value)
        elif isinstance(answer, list):
            for value in answer:
                self.learn(value)

    def remember(self, name: str, value: str) -> None:
        """Remember a value under a name; of many the first and the latest."""
        known = self.known.setdefault(name, [])
        if value not in known:
            if len(known) >= 40:
                del known[20]
            known.append(value)


@contextmanager
def stocked(mongo: MongoServer, data_dir: Path) -> Iterator[Stocked]:
    """Open a house with two districts and let people do all that makes something."""
    house = House(mongo, None, data_dir)
    try:
        for service in SERVICES:
            house.serve(service)
        with carried(house) as told:
            towns = []
            for district, phone in ADMIN_PHONES.items():
                house.bootstrap(district=district, admin_phone=phone)
                community = COMMUNITIES[district]
                towns.append(
                    Town(house.urls, house.clock_file, admin_phone=phone, community=community)
                )
            there = _stock(house, *towns)
            there.messages = told
        yield there
    finally:
        house.close()


def _stock(house: House, town: Town, other: Town) -> Stocked:
    volunteer = town.volunteer(NAME)
    shop = town.shop()
    item = town.item(shop)
    people = {
        "volunteer": volunteer,
        "organiser": town.organiser,
        "admin": town.admin,
        "merchant": shop.staff,
        "auditor": town.appointed("auditor"),
    }
    there = Stocked(house, town, other, people, shop)
    town.sign_up(volunteer, town.shift(in_hours=30))
    record = town.earned(volunteer, hours=4)
    town.redeemed(volunteer, shop, item)
    for _ in range(2):
        order = town.order(volunteer, item)
        town.order_in(volunteer, order["order_id"], "CONFIRMED")
    town.cancel(volunteer, order["order_id"])
    town.sign_up(volunteer, town.shift(in_hours=60))
    _import(there)
    _read_all(there)
    there.learn(record)
    for name, value in (
        ("district", DISTRICT),
        ("book", DISTRICT),
        ("code", DISTRICT),
        ("kind", "volunteer"),
        ("holder", volunteer.volunteer_id),
        ("volunteer_id", volunteer.volunteer_id),
        ("region", town.community),
        ("n", "2"),
    ):
        there.known.setdefault(name, []).insert(0, value)
    return there


def _import(there: Stocked) -> None:
    csv = "名称,日期\n图书整理,2027-01-02\n旧活动,2020-01-02\n"
    files = {"file": ("a.csv", csv.encode(), "text/csv")}
    data = {"mapping": json.dumps(MAPPING)}
    answer = there.ask("activities", "POST", "/v1/imports", by="admin", files=files, data=data)
    there.learn(answer.json())


def _read_all(there: Stocked) -> None:
    """Learn what every list shows that has no variable in its path."""
    for service in there.house.urls:
        document = there.ask(service, "GET", "/openapi.json").json()
        for path, said in document["paths"].items():
            roles = said.get("get", {}).get("x-roles")
            if roles is not None and "{" not in path and path.startswith("/v1/"):
                for role in roles or ["volunteer"]:
                    there.learn(there.ask(service, "GET", path, by=role).json())
