"""What the ledger keeps: the journal, which only grows, and all that can be made from it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pymongo import ASCENDING, IndexModel
from pymongo.errors import InvalidOperation

from services.ledger.repository import accounts, books, copies, journal
from shared.mongo import ServiceDatabase, ensure_indexes

__all__ = ["INDEXES", "accounts", "books", "copies", "is_closed", "journal", "prepare"]

INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "journal": [
        # The unique number is the lock, the fence and the order.
        IndexModel([("book", ASCENDING), ("n", ASCENDING)], unique=True),
        IndexModel([("accounts", ASCENDING), ("n", ASCENDING)]),
    ],
    # No index beside _id: every posting changes rows here, and would pay for it each time.
    "accounts": [],
    "books": [],
    "volunteer_copies": [IndexModel([("status", ASCENDING)])],
}


def is_closed(error: Exception) -> bool:
    """Tell whether the client was closed: then no waiting helps."""
    return isinstance(error, InvalidOperation)


def prepare(database: ServiceDatabase) -> None:
    """Make the collections and indexes where they are missing."""
    ensure_indexes(database.db, INDEXES)
