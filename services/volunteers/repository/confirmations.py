"""Confirmations of telephones, and how often a telephone was sent a code."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.volunteers import model
from services.volunteers.repository.source import Source, session_of
from shared.mongo import ServiceDatabase, UnitOfWork


def sent_at(work: UnitOfWork, phone_hmac: str) -> list[datetime]:
    """Return when this telephone was sent codes lately."""
    row = work.db.sendings.find_one({"_id": phone_hmac}, session=work.session)
    return list(row["times"]) if row else []


def save_sendings(work: UnitOfWork, phone_hmac: str, times: Sequence[datetime]) -> None:
    """Write down when codes were sent; every request for this telephone writes this row."""
    work.db.sendings.replace_one(
        {"_id": phone_hmac},
        {"_id": phone_hmac, "times": list(times), "last_at": times[-1]},
        upsert=True,
        session=work.session,
    )


def add_confirmation(work: UnitOfWork, confirmation: model.Confirmation) -> None:
    """Keep a new confirmation."""
    work.db.confirmations.insert_one(
        {
            "_id": confirmation.confirmation_id,
            "phone_hmac": confirmation.phone_hmac,
            "expires_at": confirmation.expires_at,
            "guesses": confirmation.guesses,
            "used_at": confirmation.used_at,
            "sent_at": confirmation.sent_at,
        },
        session=work.session,
    )


def confirmation(source: Source, confirmation_id: str) -> model.Confirmation | None:
    """Return a confirmation; None where there is none."""
    row = source.db.confirmations.find_one({"_id": confirmation_id}, session=session_of(source))
    if row is None:
        return None
    return model.Confirmation(
        confirmation_id=row["_id"],
        phone_hmac=row["phone_hmac"],
        expires_at=row["expires_at"],
        guesses=row["guesses"],
        used_at=row["used_at"],
        sent_at=row["sent_at"],
    )


def count_guess(work: UnitOfWork, confirmation_id: str, *, most: int) -> bool:
    """Count a wrong guess; False where as many were counted already."""
    counted = work.db.confirmations.update_one(
        {"_id": confirmation_id, "guesses": {"$lt": most}},
        {"$inc": {"guesses": 1}},
        session=work.session,
    )
    return counted.modified_count == 1


def use_code(work: UnitOfWork, confirmation_id: str, *, most: int, now: datetime) -> bool:
    """Use the code; False where it was used, or guessed at too often, meanwhile."""
    used = work.db.confirmations.update_one(
        {"_id": confirmation_id, "used_at": None, "guesses": {"$lt": most}},
        {"$set": {"used_at": now}},
        session=work.session,
    )
    return used.modified_count == 1


def claim_sending(database: ServiceDatabase, confirmation_id: str, *, now: datetime) -> bool:
    """Take the sending of the code upon oneself; False where another did."""
    claimed = database.db.confirmations.update_one(
        {"_id": confirmation_id, "sent_at": None}, {"$set": {"sent_at": now}}
    )
    return claimed.modified_count == 1


def unclaim_sending(database: ServiceDatabase, confirmation_id: str) -> None:
    """Give the sending back: the code did not go out."""
    database.db.confirmations.update_one({"_id": confirmation_id}, {"$set": {"sent_at": None}})
