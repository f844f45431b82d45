"""The collections of volunteers and their indexes, made at start.

Lists are paged by ``_id`` after an equality.
"""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from shared.mongo import ServiceDatabase, ensure_indexes

DAY_S = 86_400
SENDINGS_KEPT_S = 2 * 3_600

INDEXES = {
    "people": [
        IndexModel([("phone_hmac", ASCENDING)], unique=True),
        IndexModel([("number", ASCENDING)], unique=True),
        IndexModel([("within", ASCENDING), ("_id", ASCENDING)]),
    ],
    "person_keys": [],
    "status_changes": [IndexModel([("person_id", ASCENDING)])],
    "grants": [IndexModel([("person_id", ASCENDING)])],
    "regions": [
        IndexModel([("parent", ASCENDING), ("_id", ASCENDING)]),
        IndexModel([("level", ASCENDING), ("_id", ASCENDING)]),
    ],
    "minutes": [IndexModel([("volunteer_id", ASCENDING), ("_id", ASCENDING)])],
    "tallies": [],
    "confirmations": [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=DAY_S)],
    "sendings": [IndexModel([("last_at", ASCENDING)], expireAfterSeconds=SENDINGS_KEPT_S)],
    "refresh_tokens": [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=DAY_S)],
}


def make_collections(database: ServiceDatabase) -> None:
    """Make what is missing; harmless where all is there."""
    ensure_indexes(database.db, INDEXES)
