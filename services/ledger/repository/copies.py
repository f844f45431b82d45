"""Copies of the persons' status, told by ``volunteers``. Whoever is not among them is active."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from services.ledger.repository import journal
from shared import ids
from shared.mongo import ServiceDatabase, only_duplicates

_RESTRICTED = ("frozen", "closed")
_STATUSES = ("active", *_RESTRICTED)
_FEW = 100


@dataclass(frozen=True, kw_only=True)
class StatusCopy:
    """A person's status at a version; a copy takes only what is newer."""

    volunteer_id: str
    version: int
    status: str

    def unnameable(self) -> str | None:
        """Return why nothing can be kept of it, None where it can."""
        if not ids.is_safe(self.volunteer_id):
            return f"id {self.volunteer_id[:40]!r}"
        if self.status not in _STATUSES:
            return f"status {self.status[:40]!r}"
        return None


def keep(database: ServiceDatabase, copies: Sequence[StatusCopy]) -> None:
    """Take what is newer than what is kept; the same told twice changes nothing."""
    failed = _write(database, copies, upsert=True)
    # A duplicate is a row that is as new, or one that somebody made this instant.
    _write(database, failed, upsert=False)


def restricted(database: ServiceDatabase, persons: Iterable[str]) -> dict[str, str]:
    """Return the status of those among these persons who are frozen or closed."""
    wanted = list(dict.fromkeys(persons))
    if not wanted:
        return {}
    few = list(database.db.volunteer_copies.find({"status": {"$in": _RESTRICTED}}, limit=_FEW))
    if len(few) < _FEW:
        return {row["_id"]: row["status"] for row in few if row["_id"] in set(wanted)}
    found: dict[str, str] = {}
    for start in range(0, len(wanted), journal.IN_MAX):
        some = {"_id": {"$in": wanted[start : start + journal.IN_MAX]}}
        found |= {row["_id"]: row["status"] for row in database.db.volunteer_copies.find(some)}
    return found


def _write(
    database: ServiceDatabase, copies: Sequence[StatusCopy], *, upsert: bool
) -> list[StatusCopy]:
    if not copies:
        return []
    writes = [
        UpdateOne(
            {"_id": copy.volunteer_id, "version": {"$lt": copy.version}},
            {"$set": {"version": copy.version, "status": copy.status}},
            upsert=upsert,
        )
        for copy in copies
    ]
    try:
        database.db.volunteer_copies.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        return [copies[one["index"]] for one in only_duplicates(error)]
    return []
