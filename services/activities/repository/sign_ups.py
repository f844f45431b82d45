"""Sign-ups, diaries and the copies of what persons may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from pymongo import ASCENDING, DESCENDING, IndexModel

from services.activities.model import Entry, Shift
from services.activities.repository.source import LAST, Document, Source, order_of, session_of
from shared.mongo import UnitOfWork

INDEXES = {
    "sign_ups": [
        IndexModel([("volunteer_id", ASCENDING), ("order", ASCENDING)]),
        IndexModel([("shift_id", ASCENDING), ("order", ASCENDING)]),
    ],
    "diaries": [],
    "volunteer_copies": [],
}


def sign_up(source: Source, sign_up_id: str) -> Document | None:
    """Return a sign-up; None where there is none."""
    return source.db.sign_ups.find_one({"_id": sign_up_id}, session=session_of(source))


def own_sign_up(source: Source, *, sign_up_id: str, volunteer_id: str) -> Document | None:
    """Return a person's own sign-up; None where there is none, or another's."""
    return source.db.sign_ups.find_one(
        {"_id": sign_up_id, "volunteer_id": volunteer_id}, session=session_of(source)
    )


def add_sign_up(
    work: UnitOfWork, *, sign_up_id: str, shift: Shift, volunteer_id: str, now: datetime
) -> Document:
    """Insert a standing sign-up; it copies place and time of its shift, which never change."""
    row: Document = {
        "_id": sign_up_id,
        "shift_id": shift.shift_id,
        "activity_id": shift.activity_id,
        "district": shift.district,
        "region": shift.region,
        "volunteer_id": volunteer_id,
        "state": "standing",
        "attended": False,
        "starts_at": shift.starts_at,
        "ends_at": shift.ends_at,
        "signed_up_at": now,
        "withdrawn_at": None,
        "order": order_of(shift.starts_at, sign_up_id),
    }
    work.db.sign_ups.insert_one(row, session=work.session)
    return row


def withdraw_sign_up(work: UnitOfWork, *, sign_up_id: str, now: datetime) -> bool:
    """End a standing sign-up that nobody checked in with; False for any other."""
    withdrawn = work.db.sign_ups.update_one(
        {"_id": sign_up_id, "state": "standing", "attended": False},
        {"$set": {"state": "withdrawn", "withdrawn_at": now}},
        session=work.session,
    )
    return withdrawn.modified_count == 1


def mark_attended(work: UnitOfWork, *, sign_up_id: str) -> bool:
    """Note the first check-in of a standing sign-up; False where it was withdrawn."""
    marked = work.db.sign_ups.update_one(
        {"_id": sign_up_id, "state": "standing"},
        {"$set": {"attended": True}},
        session=work.session,
    )
    return marked.matched_count == 1


def list_sign_ups_of(
    source: Source, *, volunteer_id: str, after: str | None, limit: int
) -> list[Document]:
    """Return a page of a person's sign-ups, the latest shift first."""
    asked = {"volunteer_id": volunteer_id, "order": {"$gt": "", "$lt": after or LAST}}
    return list(source.db.sign_ups.find(asked).sort("order", DESCENDING).limit(limit))


def list_sign_ups_for(
    source: Source, *, shift_id: str, after: str | None, limit: int
) -> list[Document]:
    """Return a page of a shift's sign-ups, in the order in which they came."""
    asked = {"shift_id": shift_id, "order": {"$gt": after or "", "$lt": LAST}}
    return list(source.db.sign_ups.find(asked).sort("order", ASCENDING).limit(limit))


def diaries(
    work: UnitOfWork, *, volunteer_id: str, days: Sequence[date]
) -> dict[date, tuple[Entry, ...]]:
    """Return the person's diaries of these days; an unwritten one is empty."""
    names = {_diary_id(volunteer_id, day): day for day in days}
    found = work.db.diaries.find({"_id": {"$in": list(names)}}, session=work.session)
    entries = {
        names[row["_id"]]: tuple(Entry(**entry) for entry in row["entries"]) for row in found
    }
    return {day: entries.get(day, ()) for day in days}


def write_diaries(
    work: UnitOfWork, *, volunteer_id: str, entries: Mapping[date, Sequence[Entry]]
) -> None:
    """Write the person's diaries whole. Two units of work that do so for one day conflict."""
    for day, standing in entries.items():
        values = {
            "volunteer_id": volunteer_id,
            "day": day.isoformat(),
            "entries": [vars(entry) for entry in standing],
        }
        # The revision makes it a write even where the entries are what they were.
        work.db.diaries.update_one(
            {"_id": _diary_id(volunteer_id, day)},
            {"$set": values, "$inc": {"revision": 1}},
            upsert=True,
            session=work.session,
        )


def volunteer_status(source: Source, volunteer_id: str) -> str | None:
    """Return what is known of a person's status; None for someone not heard of yet."""
    row = source.db.volunteer_copies.find_one({"_id": volunteer_id}, session=session_of(source))
    return None if row is None else str(row["status"])


def copy_volunteer(work: UnitOfWork, *, volunteer_id: str, status: str, version: int) -> bool:
    """Keep a person's status where it is newer than what is kept; False where it is not."""
    row = work.db.volunteer_copies.find_one({"_id": volunteer_id}, session=work.session)
    if row is None:
        work.db.volunteer_copies.insert_one(
            {"_id": volunteer_id, "status": status, "version": version}, session=work.session
        )
        return True
    newer = work.db.volunteer_copies.update_one(
        {"_id": volunteer_id, "version": {"$lt": version}},
        {"$set": {"status": status, "version": version}},
        session=work.session,
    )
    return newer.modified_count == 1


def _diary_id(volunteer_id: str, day: date) -> str:
    return f"{volunteer_id}:{day.isoformat()}"
