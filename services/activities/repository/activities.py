"""Activities and shifts as documents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from services.activities.model import Shift
from services.activities.repository.source import (
    LAST,
    Document,
    Source,
    order_of,
    order_start,
    scopes_of,
    session_of,
)
from shared.mongo import UnitOfWork

INDEXES = {
    "activities": [
        IndexModel([("status", ASCENDING), ("scopes", ASCENDING), ("order", ASCENDING)])
    ],
    "shifts": [
        IndexModel([("status", ASCENDING), ("scopes", ASCENDING), ("order", ASCENDING)]),
        IndexModel([("activity_id", ASCENDING), ("order", ASCENDING)]),
    ],
}


def activity(source: Source, activity_id: str) -> Document | None:
    """Return an activity; None where there is none."""
    return source.db.activities.find_one({"_id": activity_id}, session=session_of(source))


def activities_present(source: Source, activity_ids: Sequence[str]) -> dict[str, Document]:
    """Return those of ≤ 50 activities that are there, by id."""
    rows = source.db.activities.find(
        {"_id": {"$in": list(activity_ids)}}, session=session_of(source)
    )
    return {row["_id"]: row for row in rows}


def add_activities(work: UnitOfWork, rows: Sequence[Document]) -> None:
    """Insert activities; their scopes and their order follow from region and time of making."""
    work.db.activities.insert_many(
        [
            {
                **row,
                "scopes": scopes_of(row["region"]),
                "order": order_of(row["created_at"], row["_id"]),
            }
            for row in rows
        ],
        session=work.session,
    )


def change_activity(
    work: UnitOfWork, *, activity_id: str, revision: int, values: dict[str, Any]
) -> bool:
    """Set fields of an activity and raise its revision; False where it has another revision."""
    changed = work.db.activities.update_one(
        {"_id": activity_id, "revision": revision},
        {"$set": values, "$inc": {"revision": 1}},
        session=work.session,
    )
    return changed.modified_count == 1


def list_activities(
    source: Source,
    *,
    status: str,
    regions: Sequence[str],
    starts_after: datetime | None,
    after: str | None,
    limit: int,
) -> list[Document]:
    """Return activities of these regions (≤ 50) in the order in which they were made."""
    asked: Document = {
        "status": status,
        "scopes": regions[0] if len(regions) == 1 else {"$in": list(regions)},
        "order": {"$gt": after or "", "$lt": LAST},
    }
    if starts_after is not None:
        asked["last_starts_at"] = {"$gt": starts_after}
    return list(source.db.activities.find(asked).sort("order", ASCENDING).limit(limit))


def shift(source: Source, shift_id: str) -> Shift | None:
    """Return a shift; None where there is none."""
    row = source.db.shifts.find_one({"_id": shift_id}, session=session_of(source))
    return None if row is None else _shift(row)


def add_shifts(work: UnitOfWork, shifts: Sequence[Shift]) -> None:
    """Insert shifts."""
    work.db.shifts.insert_many(
        [
            {
                "_id": shift.shift_id,
                "activity_id": shift.activity_id,
                "district": shift.district,
                "region": shift.region,
                "scopes": scopes_of(shift.region),
                "starts_at": shift.starts_at,
                "ends_at": shift.ends_at,
                "places": shift.places,
                "taken": shift.taken,
                "status": shift.status,
                "order": order_of(shift.starts_at, shift.shift_id),
            }
            for shift in shifts
        ],
        session=work.session,
    )


def set_shifts_status(work: UnitOfWork, *, activity_id: str, status: str) -> None:
    """Let all shifts of an activity follow its status."""
    work.db.shifts.update_many(
        {"activity_id": activity_id}, {"$set": {"status": status}}, session=work.session
    )


def shifts_of(source: Source, activity_id: str) -> list[Shift]:
    """Return the shifts of an activity, by time; they are bounded in number."""
    rows = source.db.shifts.find({"activity_id": activity_id}, session=session_of(source))
    return [_shift(row) for row in sorted(rows, key=lambda row: row["order"])]


def list_shifts_of(
    source: Source, *, activity_id: str, after: str | None, limit: int
) -> list[Document]:
    """Return a page of an activity's shifts, by time."""
    asked = {"activity_id": activity_id, "order": {"$gt": after or "", "$lt": LAST}}
    return list(source.db.shifts.find(asked).sort("order", ASCENDING).limit(limit))


def list_shifts(
    source: Source,
    *,
    region: str,
    starts_from: datetime,
    starts_before: datetime,
    after: str | None,
    limit: int,
) -> list[Document]:
    """Return a page of the published shifts of a region that start in this time, by time."""
    first = order_start(starts_from)
    asked = {
        "status": "published",
        "scopes": region,
        "order": {"$gt": max(first, after or ""), "$lt": order_start(starts_before)},
    }
    return list(source.db.shifts.find(asked).sort("order", ASCENDING).limit(limit))


def take_place(work: UnitOfWork, *, shift_id: str, places: int) -> bool:
    """Take one place of a published shift; False where none is free."""
    taken = work.db.shifts.update_one(
        {"_id": shift_id, "status": "published", "places": places, "taken": {"$lt": places}},
        {"$inc": {"taken": 1}},
        session=work.session,
    )
    return taken.modified_count == 1


def give_place_back(work: UnitOfWork, *, shift_id: str) -> bool:
    """Give one place of a shift back; False where none is taken."""
    given = work.db.shifts.update_one(
        {"_id": shift_id, "taken": {"$gt": 0}}, {"$inc": {"taken": -1}}, session=work.session
    )
    return given.modified_count == 1


def _shift(row: Document) -> Shift:
    return Shift(
        shift_id=row["_id"],
        activity_id=row["activity_id"],
        district=row["district"],
        region=row["region"],
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        places=row["places"],
        taken=row["taken"],
        status=row["status"],
    )
