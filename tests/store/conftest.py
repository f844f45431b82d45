"""A store on the real database: people ask it over HTTP, the ledger's answers are heard."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from deploy.embedded.servers import MongoServer
from services.store import repository
from services.store.handlers import SUBSCRIPTIONS
from services.store.routes import BLUEPRINTS
from services.store.settings import StoreSettings
from shared import auth, clock, events, ids, web
from shared.auth import Grant, KnownKeys, Role, Verifier
from shared.events import Event, ledger
from shared.kafka import Message
from shared.mongo import ServiceDatabase
from shared.settings import KeyRing
from shared.worker import DeadLetter, Heard, TransactionHearer

SEED = bytes(range(32))
DISTRICT = "430211"
STREET = "430211001"
ELSEWHERE = "430202"
VOUCHER_KEY = bytes(range(100, 132))

_numbers = itertools.count(1)
"""Of the ledger's postings: no two events of a run have the same id."""

MERCHANT_HERE = Grant(Role.MERCHANT, DISTRICT)
ADMIN_HERE = Grant(Role.ADMIN, DISTRICT)


@dataclass(frozen=True)
class Person:
    """Somebody with a token, asking the store."""

    app: Flask
    person_id: str
    grants: tuple[Grant, ...] = ()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask once, with a new key where none is given."""
        token = auth.issue(
            person_id=self.person_id,
            number=f"{DISTRICT}-1",
            grants=self.grants,
            key=("k1", SEED),
            now=clock.real_now(),
            lifetime=timedelta(minutes=5),
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named.setdefault("Idempotency-Key", ids.new_id())
        named["Authorization"] = f"Bearer {token}"
        return self.app.test_client().open(f"/v1{path}", method=method, json=body, headers=named)

    def get(self, path: str, **headers: str) -> Any:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PATCH", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        return self.ask("PUT", path, body, **headers)

    def post_until_answered(self, path: str, body: Any = None) -> Any:
        """Ask as a client does: after a 503 with the same key again."""
        key, deadline = ids.new_id(), clock.monotonic() + 30
        while (answer := self.post(path, body, Idempotency_Key=key)).status_code == 503:
            assert clock.monotonic() < deadline, "not answered within 30 s"
            clock.sleep(0.2)
        return answer


@dataclass
class Store:
    """The service under test."""

    settings: StoreSettings
    database: ServiceDatabase
    app: Flask

    def __post_init__(self) -> None:
        self.hearer = TransactionHearer(self.database, SUBSCRIPTIONS)
        self.admin = self.person("admin", ADMIN_HERE)

    @property
    def db(self) -> Any:
        return self.database.db

    def person(self, person_id: str, *grants: Grant) -> Person:
        return Person(self.app, person_id, grants)

    def staff(self, person_id: str = "wang") -> Person:
        return self.person(person_id, MERCHANT_HERE)

    # What the tests begin with

    def applied(self, staff: str = "wang", region: str = STREET) -> str:
        body = {"name": "粮油店", "kind": "merchant", "region": region}
        return str(made(self.staff(staff).post("/merchants", body))["merchant_id"])

    def merchant(self, staff: str = "wang") -> str:
        merchant = self.applied(staff)
        made(self.admin.post(f"/merchants/{merchant}/approvals"))
        return merchant

    def item(self, merchant: str, *, staff: str = "wang", **fields: Any) -> str:
        body = {"title": "大米 5 kg", "kind": "goods", "price": 150, "pieces": 10, **fields}
        answer = self.staff(staff).post(f"/merchants/{merchant}/items", body)
        return str(made(answer)["item_id"])

    def placed(self, item: str, person: str = "ada", pieces: int = 1) -> str:
        body = {"item_id": item, "pieces": pieces}
        return str(made(self.person(person).post("/orders", body), 202)["order_id"])

    def confirmed(self, item: str, person: str = "ada", pieces: int = 1) -> str:
        order = self.placed(item, person, pieces)
        self.hear(self.hold_placed(order))
        return order

    def used(self, merchant: str, item: str, person: str = "ada", staff: str = "wang") -> str:
        order = self.confirmed(item, person)
        made(self.use(merchant, self.code(order, person), staff=staff))
        return order

    def cancelling(self, item: str, person: str = "ada") -> str:
        order = self.confirmed(item, person)
        made(self.person(person).post(f"/orders/{order}/cancellations"), 202)
        return order

    def code(self, order: str, person: str = "ada") -> str:
        return str(made(self.person(person).get(f"/orders/{order}/voucher"), 200)["code"])

    def use(self, merchant: str, code: str, *, staff: str = "wang", **headers: str) -> Any:
        path = f"/merchants/{merchant}/voucher-uses"
        return self.staff(staff).post(path, {"code": code}, **headers)

    # What the ledger answers

    def hold_placed(self, order: str) -> Event:
        row = self.order(order)
        return ledger.HoldPlaced(
            **_posting(),
            order_id=order,
            volunteer_id=row["volunteer_id"],
            amount=row["amount"],
        )

    def hold_refused(self, order: str, reason: str = "insufficient-points") -> Event:
        return ledger.HoldRefused(**_posting(), order_id=order, reason=reason)

    def hold_captured(self, order: str) -> Event:
        amount = self.order(order)["amount"]
        return ledger.HoldCaptured(**_posting(), order_id=order, amount=amount)

    def hold_released(self, order: str) -> Event:
        amount = self.order(order)["amount"]
        return ledger.HoldReleased(**_posting(), order_id=order, amount=amount)

    def hear(self, *heard: Event, times: int = 1) -> Sequence[DeadLetter]:
        """Let the worker's hearer hear these, in one batch; return what it could not handle."""
        letters: list[DeadLetter] = []
        for _ in range(times):
            letters += self.hearer.handle([_heard(event) for event in heard], clock.now())
        return letters

    # What is there now

    def order(self, order: str) -> dict[str, Any]:
        return dict(self.db.orders.find_one({"_id": order}))

    def state(self, order: str) -> str:
        return str(self.order(order)["state"])

    def stock(self, item: str) -> tuple[int, int, int, int]:
        row = self.db.items.find_one({"_id": item})
        return row["free"], row["reserved"], row["gone"], row["received"]

    def counted(self, item: str) -> int:
        """Return what all month counters of an item hold together."""
        return sum(row["pieces"] for row in self.db.limits.find() if item in row["_id"])

    def told(self, order: str) -> list[str]:
        rows = self.db.outbox.find({"aggregate": order}).sort("version")
        return [f"{row['version']} {row['type']}" for row in rows]

    def alarms(self) -> list[str]:
        return sorted(row["kind"] for row in self.db.alarms.find())


@pytest.fixture
def store(mongo: MongoServer, tmp_path: Path) -> Iterator[Store]:
    """An open store without a merchant."""
    settings = StoreSettings(
        mode="embedded",
        mongo_uri=mongo.uri,
        kafka_bootstrap="127.0.0.1:1",
        jwks_url="",
        database_prefix=f"t{ids.new_id()}_",
        slot="store-web-test-0",
        requests_a_minute=0,
        requests_a_minute_address=0,
        clock_offset_file=str(tmp_path / "clock-offset"),
        voucher_keys=KeyRing(keys={"v1": VOUCHER_KEY}),
    )
    with opened(settings) as store:
        yield store
        store.database.client.drop_database(store.database.db.name)
    clock.use(offset_file=None, error_s=0)


@contextmanager
def opened(settings: StoreSettings) -> Iterator[Store]:
    """Open a store with these settings, as its web process would be."""
    database = ServiceDatabase.connect(settings, "store")
    try:
        repository.make_collections(database)
        verifier = Verifier(KnownKeys({"k1": SEED}))
        app = web.create_app(
            settings, service="store", database=database, blueprints=BLUEPRINTS, verifier=verifier
        )
        yield Store(settings, database, app)
    finally:
        database.close()


def let_pass(store: Store, **time: float) -> None:
    """Move the clock of everything forwards."""
    path = store.settings.clock_offset_file
    before = float(Path(path).read_text()) if Path(path).exists() else 0.0
    clock.advance_file(path, before + timedelta(**time).total_seconds())
    clock.use(offset_file=path, error_s=0)


def made(answer: Any, status: int = 201) -> dict[str, Any]:
    """Return what was answered, which had to be this status."""
    assert answer.status_code == status, (answer.status_code, answer.get_json())
    return dict(answer.get_json())


def refusal(answer: Any) -> str:
    """Return the code of a refusal."""
    assert answer.status_code >= 400, answer.get_json()
    assert answer.content_type == "application/problem+json"
    return str(answer.get_json()["code"])


def outcome(answer: Any) -> str:
    """Return ``ok``, or the code of the refusal."""
    return "ok" if answer.status_code < 300 else refusal(answer)


def at_once(*asks: Callable[[], Any]) -> list[Any]:
    """Run all at once, each in a thread of its own; return what they returned, in order."""
    with ThreadPoolExecutor(len(asks)) as pool:
        return [future.result() for future in [pool.submit(ask) for ask in asks]]


def event_id(event: Event) -> str:
    if isinstance(event, ledger.LedgerEvent):
        return f"{event.district}:{event.n}:0123456789ab"
    return f"{event.aggregate}:{event.version}"  # type: ignore[attr-defined]


def _posting() -> dict[str, Any]:
    return {"district": DISTRICT, "n": next(_numbers), "at": clock.now()}


def _heard(event: Event) -> Heard:
    topic = events.topic_of(events.source_of(type(event)))
    message = Message(
        topic=topic,
        partition=0,
        offset=0,
        at_ms=clock.to_ms(clock.real_now()),
        key=event.key.encode(),
        headers={},
        body=b"{}",
    )
    return Heard(
        id=event_id(event),
        type=type(event).__name__,
        event=event,
        correlation="",
        message=message,
    )
