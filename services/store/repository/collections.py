"""The store's collections and their indexes, made at start.

Lists are paged by ``_id``, newest first (ids sort by the time they were made), after an equality;
what the sweeps look for is an equality and a range with both bounds.
"""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from shared.mongo import ServiceDatabase, ensure_indexes

KEPT_GUESSES_S = 2 * 86_400

INDEXES = {
    "merchants": [
        IndexModel([("status", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("within", ASCENDING), ("status", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("staff", ASCENDING), ("_id", ASCENDING)]),
    ],
    "items": [
        IndexModel([("status", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("within", ASCENDING), ("status", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("merchant_id", ASCENDING), ("_id", ASCENDING)]),
    ],
    "orders": [
        IndexModel([("code_hash", ASCENDING)], unique=True),
        IndexModel([("volunteer_id", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("ask_at", ASCENDING)]),
        IndexModel([("state", ASCENDING), ("expires_at", ASCENDING)]),
    ],
    "limits": [],
    "guesses": [IndexModel([("at", ASCENDING)], expireAfterSeconds=KEPT_GUESSES_S)],
    "settlement_lines": [
        IndexModel([("merchant_id", ASCENDING), ("month", ASCENDING), ("_id", ASCENDING)])
    ],
    "volunteer_copies": [],
}


def make_collections(database: ServiceDatabase) -> None:
    """Make what is missing; harmless where all is there."""
    ensure_indexes(database.db, INDEXES)
