"""A small town at rest, written by hand: true documents of all four services, and their logs.

Ada serves twice (one service is corrected), Bob once for nothing (the ledger heard the correction
first). Ada's orders: one used and paid, one confirmed, one cancelled; Bob's is refused. Nothing of
the services' code takes part, so that a test may break one thing and see whether the audit names
it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import MongoClient

from tests.deploy.audit.hand_made_book import Document, HandMadeBook

DISTRICT = "430211"
STREET = "430211003"
NOW = datetime.now(UTC).replace(microsecond=0)
MORNING = datetime(2026, 11, 21, 1, tzinfo=UTC)
"""Nine o'clock of the district."""
MONTH = "2026-11"
SERVICES = ("volunteers", "activities", "ledger", "store")
LOG_IDS = {service: f"cluster:{service}" for service in SERVICES}


@dataclass
class Town:
    """Documents by service and collection; ``find`` returns one to be broken."""

    book: HandMadeBook = field(default_factory=HandMadeBook)
    databases: dict[str, dict[str, list[Document]]] = field(default_factory=dict)
    told: list[Document] = field(default_factory=list)
    books: list[Document] = field(default_factory=list)

    def all(self, service: str, name: str) -> list[Document]:
        return self.databases.setdefault(service, {}).setdefault(name, [])

    def add(self, service: str, name: str, /, **document: Any) -> Document:
        document = {("_id" if key == "id" else key): value for key, value in document.items()}
        self.all(service, name).append(document)
        return document

    def find(self, service: str, name: str, _id: str) -> Document:
        return next(one for one in self.all(service, name) if one["_id"] == _id)

    def drop(self, service: str, name: str, _id: str) -> None:
        self.all(service, name).remove(self.find(service, name, _id))

    def tell(
        self, service: str, kind: str, aggregate: str, version: int, /, **body: Any
    ) -> Document:
        """Add an outbox row that is sent."""
        body["version"] = version
        return self.add(
            service,
            "outbox",
            id=f"{aggregate}:{version}",
            aggregate=aggregate,
            version=version,
            topic=f"{service}.events",
            key=body.get("district", aggregate),
            type=kind,
            source=service,
            body=json.dumps(body, ensure_ascii=False),
            at=NOW,
            told_at=NOW,
            correlation="",
            sent_to=LOG_IDS[service],
            sent_at=NOW,
        )

    def answer(self, service: str, person: str, key: str, status: int, value: Document) -> Document:
        return self.add(
            service,
            "answers",
            id=f"{person} {key}",
            digest="0" * 64,
            status=status,
            value=value,
            refused=None,
            kept_at=NOW,
        )

    def write(self, client: MongoClient[Document], prefix: str) -> None:
        """Write everything down as the services would have left it."""
        self.databases["ledger"]["journal"] = self.book.journal
        rows = self.databases["ledger"].setdefault("accounts", self.book.rows())
        self.databases["ledger"]["accounts"] = rows
        self.databases["ledger"].setdefault("books", self.books or [self.book_row()])
        for service, collections in self.databases.items():
            for name, documents in collections.items():
                if documents:
                    client[prefix + service][name].insert_many(documents)

    def book_row(self) -> Document:
        """Return the book's row, once, to be broken."""
        if not self.books:
            self.books.append(self.book.row(LOG_IDS["ledger"]))
        return self.books[0]

    def account_row(self, account: str) -> Document:
        """Return an account's row to be broken."""
        rows = self.databases["ledger"].setdefault("accounts", self.book.rows())
        return next(row for row in rows if row["_id"] == account)


def town() -> Town:
    """Return the true town."""
    made = Town()
    for service in SERVICES:
        made.add(service, "logs", id=LOG_IDS[service], first_at=NOW - timedelta(hours=1))
    for number, person in enumerate(("ada", "bob"), start=1):
        _person(made, person, number)
    made.add("activities", "activities", id="a1", shifts_count=2)
    _imported(made)
    for name, start in (("s1", MORNING), ("s2", MORNING + timedelta(hours=4))):
        made.add(
            *("activities", "shifts"),
            id=name,
            activity_id="a1",
            places=3,
            taken=0,
            starts_at=start,
            ends_at=start + timedelta(hours=2),
        )
    _served(made, "r1", "s1", "ada", minutes=[125, 65])
    _served(made, "r2", "s2", "ada", minutes=[95])
    _served(made, "r3", "s2", "bob", minutes=[30, 0], superseded=1)
    _withdrawn(made, "s1", "bob")
    for person, credit in (("ada", 160), ("bob", 0)):
        made.add(
            *("volunteers", "tallies"),
            id=person,
            stars=0,
            credit_minutes=credit,
            honorary_minutes=0,
        )
    made.add("store", "merchants", id="m1")
    made.add("store", "items", id="i1", free=5, reserved=1, gone=1, received=7)
    _order(made, "o1", "ada", "CAPTURED")
    _order(made, "o2", "ada", "CONFIRMED")
    _order(made, "o3", "ada", "CANCELLED")
    _order(made, "o4", "bob", "REFUSED")
    made.add("store", "limits", id=f"ada:i1:{MONTH}", pieces=2)
    made.add("store", "limits", id=f"bob:i1:{MONTH}", pieces=0)
    return made


def _imported(made: Town) -> None:
    counts = {"rows": 2, "done": 2, "published": 1, "unchanged": 0, "rejected": 1}
    made.add("activities", "imports", id="im", open=False, **counts)
    for line, outcome in ((2, "published"), (3, "rejected")):
        made.add(
            *("activities", "import_rows"),
            id=f"im:{line}",
            import_id="im",
            line=line,
            outcome=outcome,
        )


def _person(made: Town, person: str, number: int) -> None:
    made.add("volunteers", "people", id=person, status="active", version=1, number=f"V{number}")
    made.tell("volunteers", "VolunteerRegistered", person, 1, volunteer_id=person, status="active")
    made.answer("volunteers", f"phone-{person}", f"join-{person}", 201, {"volunteer_id": person})
    for service in ("activities", "ledger", "store"):
        made.add(service, "volunteer_copies", id=person, status="active", version=1)


def _signed_up(made: Town, shift_id: str, person: str, state: str) -> Document:
    shift = made.find("activities", "shifts", shift_id)
    sign_up = made.add(
        *("activities", "sign_ups"),
        id=f"{shift_id}-{person}",
        shift_id=shift_id,
        volunteer_id=person,
        state=state,
        starts_at=shift["starts_at"],
        ends_at=shift["ends_at"],
    )
    said = {"sign_up_id": sign_up["_id"], "state": "standing", "attendance": None}
    made.answer("activities", person, f"join-{sign_up['_id']}", 201, said)
    diary = f"{person}:2026-11-21"
    if not any(one["_id"] == diary for one in made.all("activities", "diaries")):
        made.add("activities", "diaries", id=diary, entries=[])
    if state == "standing":
        shift["taken"] += 1
        made.find("activities", "diaries", diary)["entries"].append({"sign_up_id": sign_up["_id"]})
    return sign_up


def _withdrawn(made: Town, shift_id: str, person: str) -> None:
    sign_up = _signed_up(made, shift_id, person, "withdrawn")
    said = {"sign_up_id": sign_up["_id"], "state": "withdrawn", "attendance": None}
    made.answer("activities", person, f"leave-{sign_up['_id']}", 201, said)


def _served(
    made: Town,
    record: str,
    shift_id: str,
    person: str,
    *,
    minutes: list[int],
    superseded: int = 0,
) -> None:
    sign_up = _signed_up(made, shift_id, person, "standing")
    fact = {
        "volunteer_id": person,
        "district": DISTRICT,
        "kind": "credit",
        "served_at": sign_up["starts_at"],
    }
    earned = 0
    posting: Document = {}
    for version, served in enumerate(minutes, start=1):
        worth = served // 30 * 50
        if version <= superseded:
            posting = made.book.superseded(record, version, person)
        else:
            posting = made.book.earn(
                record, version, person, earned=worth, difference=worth - earned
            )
            earned = worth
        body = {**fact, "served_at": "2026-11-21T01:00:00.000Z", "minutes": served}
        made.tell("activities", "ServiceConfirmed", record, version, record_id=record, **body)
        said = {"record_id": record, "version": version, "history": []}
        made.answer("activities", "organiser", f"{record}-{version}", 202, said)
    newest = {**fact, "version": len(minutes), "minutes": minutes[-1]}
    made.add(
        *("activities", "records"),
        id=record,
        sign_up_id=sign_up["_id"],
        state="BANKED",
        posted_n=posting["n"],
        **newest,
    )
    made.add("volunteers", "minutes", id=record, **newest)


def _order(made: Town, order: str, person: str, state: str) -> None:
    used = MORNING if state == "CAPTURED" else None
    fact = {"district": DISTRICT, "volunteer_id": person, "merchant_id": "m1", "amount": 50}
    row = made.add(
        *("store", "orders"),
        id=order,
        item_id="i1",
        pieces=1,
        month=MONTH,
        zone="Asia/Shanghai",
        state=state,
        version=1,
        code_hash=f"hash-of-{order}",
        used_at=used,
        used_by="staff" if used else None,
        captured_at=used,
        **fact,
    )
    made.tell("store", "OrderPlaced", order, 1, order_id=order, **fact)
    said = {"order_id": order, "state": "PLACED", "month": MONTH}
    made.answer("store", person, f"place-{order}", 202, said)
    if state == "REFUSED":
        made.book.refuse(order, 50)
        return
    made.book.hold(order, person, 50)
    if state == "CAPTURED":
        row["version"] = 2
        made.tell("store", "VoucherUsed", order, 2, order_id=order, **fact)
        made.answer("store", "staff", f"use-{order}", 201, {"order_id": order, "state": "USED"})
        n = made.book.capture(order, person, "m1", 50)["n"]
        copied = ("merchant_id", "district", "item_id", "pieces", "amount", "captured_at")
        line = {name: row[name] for name in copied}
        made.add("store", "settlement_lines", id=order, month=MONTH, n=n, **line)
    if state == "CANCELLED":
        row["version"] = 2
        made.tell("store", "OrderCancelled", order, 2, order_id=order, district=DISTRICT)
        said = {"order_id": order, "state": "CANCELLING", "month": MONTH}
        made.answer("store", person, f"cancel-{order}", 202, said)
        made.book.release(order, person, 50)
