"""Where a read looks: inside a unit of work, or outside of any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pymongo.client_session import ClientSession

from shared.mongo import ServiceDatabase, UnitOfWork

Document = dict[str, Any]
Source = UnitOfWork | ServiceDatabase

SLICE = 50
"""Ids of one ``$in``: more are slow."""


def session_of(source: Source) -> ClientSession | None:
    """Return the session of a unit of work; None outside of one."""
    return source.session if isinstance(source, UnitOfWork) else None


def by_ids(source: Source, collection: str, ids: Sequence[str]) -> dict[str, Document]:
    """Return the documents of these ids that are there, by their id."""
    found: dict[str, Document] = {}
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), SLICE):
        some = wanted[start : start + SLICE]
        rows = source.db[collection].find({"_id": {"$in": some}}, session=session_of(source))
        found.update((row["_id"], row) for row in rows)
    return found
