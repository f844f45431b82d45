"""Volunteers on the real database: people ask over HTTP, what was confirmed is heard."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from deploy.embedded.servers import MongoServer
from services.volunteers import operations
from services.volunteers.app import create_app
from services.volunteers.handlers import SUBSCRIPTIONS
from services.volunteers.settings import VolunteersSettings
from shared import clock, events, ids
from shared.errors import Busy
from shared.events.activities import ServiceConfirmed
from shared.kafka import Message
from shared.mongo import ServiceDatabase
from shared.settings import KeyRing
from shared.web.running import DATABASE
from shared.worker import DeadLetter, Heard, TransactionHearer, read

DISTRICT, STREET, COMMUNITY = "430211", "430211001", "430211001004"
ELSEWHERE = "510104"
REGIONS = [
    {"code": DISTRICT, "name": "天元区", "parent": "4302", "level": "district"},
    {"code": STREET, "name": "嵩山路街道", "parent": DISTRICT, "level": "street"},
    {"code": COMMUNITY, "name": "白鹤社区", "parent": STREET, "level": "community"},
    {"code": "430211002", "name": "泰山路街道", "parent": DISTRICT, "level": "street"},
    {"code": ELSEWHERE, "name": "锦江区", "parent": "5101", "level": "district"},
]
ADMIN_PHONE = "13900000000"
_phones = itertools.count(13_800_000_000)


def key(first: int) -> bytes:
    return bytes(range(first, first + 32))


@dataclass
class Signed:
    """Somebody signed in."""

    volunteer_id: str
    number: str
    phone: str
    access: str
    refresh: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


@dataclass
class Desk:
    """The service under test."""

    app: Flask
    database: ServiceDatabase
    settings: VolunteersSettings

    def post(
        self, path: str, body: Any = None, *, by: Signed | None = None, key: str | None = None
    ) -> Any:
        headers = {"Idempotency-Key": key or ids.new_id(), **(by.headers if by else {})}
        return self.app.test_client().post(f"/v1{path}", json=body or {}, headers=headers)

    def get(self, path: str, *, by: Signed | None = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        known = by.headers if by else {}
        return self.app.test_client().get(f"/v1{path}", headers={**known, **named})

    def patch(self, path: str, body: Any, *, by: Signed, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.app.test_client().patch(
            f"/v1{path}", json=body, headers={**by.headers, **named}
        )

    def put(self, path: str, body: Any, *, by: Signed) -> Any:
        return self.app.test_client().put(f"/v1{path}", json=body, headers=by.headers)

    def confirmed(self, phone: str) -> dict[str, str]:
        asked = self.post("/phone-confirmations", {"phone": phone})
        assert asked.status_code == 202, asked.text
        return {
            "confirmation_id": asked.json["confirmation_id"],
            "phone": phone,
            "code": asked.json["embedded_code"],
        }

    def register(self, name: str = "张三", region: str = COMMUNITY, phone: str = "") -> Signed:
        phone = phone or str(next(_phones))
        body = {**self.confirmed(phone), "name": name, "region": region}
        return self.signed(self.post("/volunteers", body), phone)

    def sign_in(self, phone: str) -> Signed:
        return self.signed(self.post("/sessions", self.confirmed(phone)), phone)

    def signed(self, answer: Any, phone: str = "") -> Signed:
        assert answer.status_code == 201, answer.text
        body = answer.json
        return Signed(
            volunteer_id=body["volunteer_id"],
            number=body["number"],
            phone=phone,
            access=body["access_token"],
            refresh=body["refresh_token"],
        )

    def refreshed(self, person: Signed) -> Signed:
        answer = self.post("/session-refreshes", {"refresh_token": person.refresh})
        return self.signed(answer, person.phone)

    def admin(self, region: str = DISTRICT) -> Signed:
        phone = str(next(_phones))
        self.database.unit_of_work(
            lambda work: operations.appoint_first_administrator(
                work,
                district=region,
                phone=phone,
                name="管理员",
                settings=self.settings,
                now=clock.now(),
            )
        )
        return self.sign_in(phone)

    def appointed(self, admin: Signed, role: str, within: str, **person: str) -> Signed:
        """Return a new person with a role."""
        found = self.register(**person)
        granted = self.post(
            f"/volunteers/{found.volunteer_id}/roles", {"role": role, "region": within}, by=admin
        )
        assert granted.status_code == 201, granted.text
        return self.refreshed(found)

    def told(self, person: Signed) -> list[tuple[str, int]]:
        """Return type and version of every event told of a person."""
        rows = self.database.db.outbox.find({"aggregate": person.volunteer_id}).sort("version")
        return [(row["type"], row["version"]) for row in rows]

    def hear(self, *confirmed: ServiceConfirmed) -> list[DeadLetter]:
        """Let the service hear these events, as one batch of a partition."""
        hearer = TransactionHearer(self.database, SUBSCRIPTIONS)
        heard = [_heard(event) for event in confirmed]
        while True:
            try:
                return list(hearer.handle(heard, clock.now()))
            except Busy:  # trouble, not an answer: the worker's loop tries the same events again
                clock.sleep(0.05)

    def everything(self) -> str:
        """Return all that the database holds, as text."""
        db = self.database.db
        return "\n".join(
            repr(row) for name in db.list_collection_names() for row in db[name].find()
        )


def service_confirmed(person: str, record: str = "r1", **changes: Any) -> ServiceConfirmed:
    at = clock.now()
    values: dict[str, Any] = {
        "record_id": record,
        "version": 1,
        "district": DISTRICT,
        "region": COMMUNITY,
        "activity_id": "a1",
        "shift_id": "s1",
        "volunteer_id": person,
        "kind": "credit",
        "minutes": 65,
        "served_at": at - timedelta(hours=2),
        "at": at,
    }
    return ServiceConfirmed(**{**values, **changes})


def _heard(event: ServiceConfirmed) -> Heard:
    headers = {
        "ce_id": f"{event.aggregate}:{event.version}",
        "ce_type": type(event).__name__,
        "ce_source": "activities",
    }
    message = Message(
        topic="activities.events",
        partition=0,
        offset=0,
        at_ms=0,
        key=event.key.encode(),
        headers=headers,
        body=json.dumps(events.encode(event)).encode(),
    )
    heard = read(message, "log")
    assert isinstance(heard, Heard)
    return heard


@pytest.fixture
def settings(mongo: MongoServer) -> VolunteersSettings:
    return VolunteersSettings(
        mode="embedded",
        mongo_uri=mongo.uri,
        kafka_bootstrap="127.0.0.1:1",
        jwks_url="",
        database_prefix=f"t{ids.new_id()}_",
        requests_a_minute=0,
        requests_a_minute_address=0,
        token_keys=KeyRing(keys={"t1": key(0)}),
        phone_key=key(40),
        person_keys=KeyRing(keys={"p1": key(80)}),
    )


@pytest.fixture
def desk(settings: VolunteersSettings) -> Iterator[Desk]:
    app = create_app(settings)
    database: ServiceDatabase = app.extensions[DATABASE]
    operations.load_regions(database, REGIONS)
    yield Desk(app, database, settings)
    database.client.drop_database(database.db.name)
    database.close()


@pytest.fixture
def admin(desk: Desk) -> Signed:
    return desk.admin()
