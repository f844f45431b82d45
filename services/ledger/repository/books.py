"""One row per book: a hint where its head is, what of it was told, and whether it is set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError

from services.ledger.model import Charter
from shared import clock
from shared.mongo import Document, ServiceDatabase

DAYS_KEPT = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """All postings up to ``n`` were told to the log of this id; None before the first."""

    log: str | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRow:
    """A book's row. ``n`` is a hint: the head is there or above."""

    book: str
    n: int
    told: Mark
    set_aside: Mapping[str, Any] | None
    totals: Mapping[str, Any] = field(default_factory=dict)
    """Sums over all accounts at ``n``: kind → unit → bucket → amount."""
    days: tuple[tuple[str, int], ...] = ()
    """The number that each day began with, real time, the oldest first."""


def make(database: ServiceDatabase, charter: Charter) -> None:
    """Make the row of a book that is open; nothing where it has one."""
    row = {
        "_id": charter.book,
        "name": charter.name,
        "zone": charter.zone,
        "n": 1,
        "totals": {},
        "told": {"log": None, "n": 0},
        "set_aside": None,
        "days": [],
        "last_day": None,
    }
    if database.db.books.find_one({"_id": charter.book}, {"_id": 1}) is None:
        try:
            database.db.books.insert_one(row)
        except DuplicateKeyError:
            # Another process made it this instant, alike.
            return


def row_of(database: ServiceDatabase, book: str) -> BookRow | None:
    """Return a book's row; None where there is none."""
    row = database.db.books.find_one({"_id": book})
    return _read(row) if row else None


def all_rows(database: ServiceDatabase) -> list[BookRow]:
    """Return the rows of all books."""
    return [_read(row) for row in database.db.books.find({}, batch_size=1000)]


def page(database: ServiceDatabase, *, after: str | None, limit: int) -> list[Document]:
    """Return up to ``limit`` books by their code: code, name, and a hint where the head is."""
    found = database.db.books.find({"_id": {"$gt": after or ""}}, {"name": 1, "n": 1})
    return [
        {"book": row["_id"], "name": row["name"], "head": row["n"]}
        for row in found.sort("_id", ASCENDING).limit(limit)
    ]


def raise_hint(database: ServiceDatabase, book: str, *, n: int, totals: Mapping[str, Any]) -> None:
    """Say that the head is at ``n`` or above, and what the totals are there."""
    database.db.books.update_one(
        {"_id": book, "n": {"$lt": n}}, {"$set": {"n": n, "totals": totals}}
    )


def move_mark(database: ServiceDatabase, book: str, *, read: Mark, now: Mark) -> bool:
    """Move the mark, if it is still the one that was read; False where somebody moved it."""
    moved = database.db.books.update_one(
        {"_id": book, "told.log": read.log, "told.n": read.n},
        {"$set": {"told": {"log": now.log, "n": now.n}}},
    )
    return moved.matched_count == 1


def note_day(database: ServiceDatabase, row: BookRow, *, day: str, n: int) -> None:
    """Note the number that a day begins with, if nobody has; the newest 15 days are kept."""
    days = [*row.days, (day, n)][-DAYS_KEPT:]
    last_day = row.days[-1][0] if row.days else None
    database.db.books.update_one(
        {"_id": row.book, "last_day": last_day},
        {"$set": {"days": [{"day": d, "n": m} for d, m in days], "last_day": day}},
    )


def number_at(row: BookRow, since: datetime) -> int:
    """Return a number that all postings made since then are above; 0 where none is known."""
    day = since.date().isoformat()
    return max((n for noted, n in row.days if noted <= day), default=0)


def set_aside(database: ServiceDatabase, book: str, *, n: int, why: str) -> None:
    """Let no writer go on with a book before an operator has looked."""
    mark = {"n": n, "why": why, "at": clock.real_now()}
    database.db.books.update_one({"_id": book}, {"$set": {"set_aside": mark}})


def put_back(database: ServiceDatabase, book: str) -> None:
    """Let writers go on with a book."""
    database.db.books.update_one({"_id": book}, {"$set": {"set_aside": None}})


def open_letters(database: ServiceDatabase) -> bool:
    """Tell whether any dead letter waits to be settled."""
    return database.db.dead_letters.find_one({"state": "open"}, {"_id": 1}) is not None


def _read(row: Document) -> BookRow:
    return BookRow(
        book=row["_id"],
        n=row["n"],
        told=Mark(log=row["told"]["log"], n=row["told"]["n"]),
        set_aside=row["set_aside"],
        totals=row["totals"],
        days=tuple((day["day"], day["n"]) for day in row["days"]),
    )
