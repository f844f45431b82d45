"""What is answered: plain values, made of documents."""

from __future__ import annotations

from typing import Any

from services.activities.model import Attendance, Shift, minutes_attended
from services.activities.repository import Document

View = dict[str, Any]


def activity_view(row: Document) -> View:
    """Return an activity as anybody may see it once it is published."""
    shown = (
        "district",
        "region",
        "title",
        "summary",
        "kind",
        "organisation",
        "status",
        "shifts_count",
        "first_starts_at",
        "last_starts_at",
        "created_at",
        "published_at",
        "closed_at",
        "revision",
    )
    return {"activity_id": row["_id"], **{name: row[name] for name in shown}}


def shift_view(shift: Shift) -> View:
    """Return a shift with its places."""
    return vars(shift) | {"minutes": shift.minutes}


def shift_row_view(row: Document) -> View:
    """Return a shift's document with its places."""
    shown = (
        "activity_id",
        "district",
        "region",
        "starts_at",
        "ends_at",
        "places",
        "taken",
        "status",
    )
    minutes = int((row["ends_at"] - row["starts_at"]).total_seconds()) // 60
    return {"shift_id": row["_id"], **{name: row[name] for name in shown}, "minutes": minutes}


def sign_up_view(row: Document, attendance: Attendance | None) -> View:
    """Return a sign-up as the volunteer and the organiser see it, with its attendance."""
    shown = (
        "shift_id",
        "activity_id",
        "district",
        "region",
        "volunteer_id",
        "state",
        "starts_at",
        "ends_at",
        "signed_up_at",
        "withdrawn_at",
    )
    return {
        "sign_up_id": row["_id"],
        **{name: row[name] for name in shown},
        "attendance": None if attendance is None else _attendance_view(row, attendance),
    }


def record_view(row: Document) -> View:
    """Return a service record with its whole history."""
    shown = (
        "sign_up_id",
        "shift_id",
        "activity_id",
        "district",
        "region",
        "volunteer_id",
        "version",
        "kind",
        "minutes",
        "state",
        "posted_n",
        "confirmed_by",
        "served_at",
        "history",
    )
    return {"record_id": row["_id"], **{name: row[name] for name in shown}}


def import_view(row: Document) -> View:
    """Return how far an import is."""
    shown = (
        "district",
        "source",
        "state",
        "rows",
        "done",
        "published",
        "unchanged",
        "rejected",
        "accepted_at",
        "finished_at",
    )
    return {"import_id": row["_id"], **{name: row[name] for name in shown}}


def import_row_view(row: Document) -> View:
    """Return what became of a row."""
    shown = ("line", "outcome", "reason", "detail", "activity_id")
    return {name: row[name] for name in shown}


def _attendance_view(sign_up: Document, attendance: Attendance) -> View:
    state = "present" if attendance.present else "left"
    return {
        "state": "forgotten" if attendance.forgotten else state,
        "pairs": [{"in_at": pair.in_at, "out_at": pair.out_at} for pair in attendance.pairs],
        "minutes": minutes_attended(
            pairs=attendance.pairs, starts_at=sign_up["starts_at"], ends_at=sign_up["ends_at"]
        ),
        "closes_at": attendance.closes_at,
        "decide_until": attendance.decide_until,
        "record_id": attendance.record_id,
    }
