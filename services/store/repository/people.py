"""The collections ``volunteer_copies`` (who is frozen or closed) and ``guesses`` (wrong codes)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from shared.mongo import UnitOfWork


def status_of(work: UnitOfWork, person_id: str) -> str | None:
    """Return a person's status by the copy; None for someone not heard of yet."""
    row = work.db.volunteer_copies.find_one({"_id": person_id}, session=work.session)
    return None if row is None else str(row["status"])


def copy_status(work: UnitOfWork, *, person_id: str, status: str, version: int) -> bool:
    """Keep a person's status where it is newer than the copy; False where it is not."""
    copies = work.db.volunteer_copies
    row = copies.find_one({"_id": person_id}, session=work.session)
    if row is None:
        new = {"_id": person_id, "status": status, "version": version}
        copies.insert_one(new, session=work.session)
        return True
    newer = copies.update_one(
        {"_id": person_id, "version": {"$lt": version}},
        {"$set": {"status": status, "version": version}},
        session=work.session,
    )
    return newer.modified_count == 1


def wrong_guesses(work: UnitOfWork, counters: Iterable[str]) -> dict[str, int]:
    """Return what these counters of wrong codes hold; those not begun are left out."""
    rows = work.db.guesses.find({"_id": {"$in": list(counters)}}, session=work.session)
    return {row["_id"]: int(row["wrong"]) for row in rows}


def count_wrong_guess(
    work: UnitOfWork, counters: Iterable[str], seen: dict[str, int], *, at: datetime
) -> None:
    """Raise each counter by one; two that begin the same one at once meet on its id."""
    for counter in counters:
        if counter in seen:
            one_more = {"$inc": {"wrong": 1}}
            work.db.guesses.update_one({"_id": counter}, one_more, session=work.session)
        else:
            first = {"_id": counter, "wrong": 1, "at": at}
            work.db.guesses.insert_one(first, session=work.session)
