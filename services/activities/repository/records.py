"""Service records."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.activities.model import Record
from services.activities.repository.source import LAST, LONG_AGO, Document, Source, session_of
from shared.mongo import UnitOfWork

INDEXES = {
    "records": [
        IndexModel([("volunteer_id", ASCENDING), ("order", ASCENDING)]),
        IndexModel([("shift_id", ASCENDING), ("order", ASCENDING)]),
        IndexModel([("ask_at", ASCENDING)]),
    ],
}


def record(source: Source, record_id: str) -> Document | None:
    """Return a service record; None where there is none."""
    return source.db.records.find_one({"_id": record_id}, session=session_of(source))


def add_record(work: UnitOfWork, row: Document) -> None:
    """Insert a record with its first version."""
    work.db.records.insert_one(row, session=work.session)


def raise_version(
    work: UnitOfWork, *, record_id: str, version: int, values: Document, entry: Document
) -> bool:
    """Make a record's next version of this one, with its entry in the history.

    False where the record has another version by now.
    """
    raised = work.db.records.update_one(
        {"_id": record_id, "version": version},
        {"$set": values, "$inc": {"version": 1}, "$push": {"history": entry}},
        session=work.session,
    )
    return raised.modified_count == 1


def bank_record(work: UnitOfWork, *, record_id: str, version: int, n: int) -> bool:
    """Note the posting of a record's newest version; False where that is another."""
    banked = work.db.records.update_one(
        {"_id": record_id, "version": version, "state": "CONFIRMED"},
        {"$set": {"state": "BANKED", "posted_n": n, "ask_at": None}},
        session=work.session,
    )
    return banked.modified_count == 1


def unbanked_records(source: Source, *, real_now: datetime, limit: int) -> list[Document]:
    """Return records whose question is due to be asked again (real time)."""
    due = {"ask_at": {"$gte": LONG_AGO, "$lt": real_now}}
    return list(source.db.records.find(due, limit=limit))


def ask_later(
    work: UnitOfWork, *, record_id: str, version: int, asked: int, ask_at: datetime
) -> bool:
    """Note that a record's question was asked once more; False where it is answered by now."""
    noted = work.db.records.update_one(
        {"_id": record_id, "version": version, "state": "CONFIRMED", "asked": asked},
        {"$set": {"ask_at": ask_at, "asked": asked + 1}},
        session=work.session,
    )
    return noted.modified_count == 1


def list_records_of(
    source: Source, *, volunteer_id: str, after: str | None, limit: int
) -> list[Document]:
    """Return a page of a person's records, the latest service first."""
    asked = {"volunteer_id": volunteer_id, "order": {"$gt": "", "$lt": after or LAST}}
    return list(source.db.records.find(asked).sort("order", DESCENDING).limit(limit))


def list_records_for(
    source: Source, *, shift_id: str, after: str | None, limit: int
) -> list[Document]:
    """Return a page of a shift's records."""
    asked = {"shift_id": shift_id, "order": {"$gt": "", "$lt": after or LAST}}
    return list(source.db.records.find(asked).sort("order", DESCENDING).limit(limit))


def record_of(row: Document) -> Record:
    """Return what the rules need of a record's document."""
    return Record(
        record_id=row["_id"],
        volunteer_id=row["volunteer_id"],
        version=row["version"],
        minutes=row["minutes"],
        shift_minutes=row["shift_minutes"],
        state=row["state"],
        posted_n=row["posted_n"],
    )
