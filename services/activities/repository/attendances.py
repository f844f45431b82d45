"""Attendances, and where each person is present now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pymongo import ASCENDING, IndexModel

from services.activities.model import Attendance, Pair
from services.activities.repository.source import LONG_AGO, Document, Source, session_of
from shared.mongo import UnitOfWork

INDEXES = {
    "attendances": [IndexModel([("closes_at", ASCENDING)])],
    "presences": [],
}


def attendance(source: Source, sign_up_id: str) -> Attendance | None:
    """Return the attendance of a sign-up; None where nobody checked in."""
    row = source.db.attendances.find_one({"_id": sign_up_id}, session=session_of(source))
    return None if row is None else _attendance(row)


def attendances(source: Source, sign_up_ids: Sequence[str]) -> dict[str, Attendance]:
    """Return the attendances of these sign-ups that are there, fifty at a time."""
    found: dict[str, Attendance] = {}
    for start in range(0, len(sign_up_ids), 50):
        some = {"_id": {"$in": list(sign_up_ids[start : start + 50])}}
        rows = source.db.attendances.find(some, session=session_of(source))
        found.update({row["_id"]: _attendance(row) for row in rows})
    return found


def save_attendance(work: UnitOfWork, *, sign_up: Document, attendance: Attendance) -> None:
    """Write an attendance whole. Two units of work that do so for one sign-up conflict."""
    copied = ("shift_id", "activity_id", "district", "region", "volunteer_id")
    values = {
        **{name: sign_up[name] for name in copied},
        "pairs": [vars(pair) for pair in attendance.pairs],
        "closes_at": attendance.closes_at,
        "forgotten": attendance.forgotten,
        "decide_until": attendance.decide_until,
        "record_id": attendance.record_id,
    }
    work.db.attendances.update_one(
        {"_id": sign_up["_id"]},
        {"$set": values, "$inc": {"revision": 1}},
        upsert=True,
        session=work.session,
    )


def lapsed_attendances(source: Source, *, now: datetime, limit: int) -> list[str]:
    """Return the sign-ups whose check-out is missing and whose time for it is over."""
    lapsed = {"closes_at": {"$gte": LONG_AGO, "$lt": now}}
    rows = source.db.attendances.find(lapsed, {"_id": True}, limit=limit)
    return [row["_id"] for row in rows]


def presence(work: UnitOfWork, volunteer_id: str) -> str | None:
    """Return the sign-up at which the person is checked in; None where at none."""
    row = work.db.presences.find_one({"_id": volunteer_id}, session=work.session)
    return None if row is None else row["sign_up_id"]


def write_presence(work: UnitOfWork, *, volunteer_id: str, sign_up_id: str | None) -> None:
    """Write where the person is. Two units of work that do so for one person conflict."""
    work.db.presences.update_one(
        {"_id": volunteer_id},
        {"$set": {"sign_up_id": sign_up_id}, "$inc": {"revision": 1}},
        upsert=True,
        session=work.session,
    )


def _attendance(row: Document) -> Attendance:
    return Attendance(
        pairs=tuple(Pair(**pair) for pair in row["pairs"]),
        closes_at=row["closes_at"],
        forgotten=row["forgotten"],
        decide_until=row["decide_until"],
        record_id=row["record_id"],
    )
