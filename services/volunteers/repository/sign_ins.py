"""Sign-ins: one document per device's chain of refresh tokens, in ``refresh_tokens``."""

from __future__ import annotations

from datetime import datetime

from services.volunteers import model
from services.volunteers.repository.source import Document
from shared.mongo import UnitOfWork


def add_sign_in(work: UnitOfWork, sign_in: model.SignIn, *, now: datetime) -> None:
    """Keep a new chain."""
    work.db.refresh_tokens.insert_one(
        {
            "_id": sign_in.sign_in_id,
            "person_id": sign_in.person_id,
            "serial": sign_in.serial,
            "began_at": now,
            "expires_at": sign_in.expires_at,
            "ended_at": None,
            "ended_by": None,
        },
        session=work.session,
    )


def sign_in(work: UnitOfWork, sign_in_id: str) -> model.SignIn | None:
    """Return a chain; None where there is none."""
    row: Document | None = work.db.refresh_tokens.find_one(
        {"_id": sign_in_id}, session=work.session
    )
    if row is None:
        return None
    return model.SignIn(
        sign_in_id=row["_id"],
        person_id=row["person_id"],
        serial=row["serial"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
    )


def move_on(work: UnitOfWork, sign_in_id: str, *, serial: int, expires_at: datetime) -> bool:
    """Make the next serial the good one; False where another refresh did."""
    moved = work.db.refresh_tokens.update_one(
        {"_id": sign_in_id, "serial": serial, "ended_at": None},
        {"$set": {"serial": serial + 1, "expires_at": expires_at}},
        session=work.session,
    )
    return moved.modified_count == 1


def end_sign_in(work: UnitOfWork, sign_in_id: str, *, by: str, now: datetime) -> None:
    """End the chain; one that has ended stays as it ended."""
    work.db.refresh_tokens.update_one(
        {"_id": sign_in_id, "ended_at": None},
        {"$set": {"ended_at": now, "ended_by": by}},
        session=work.session,
    )
