"""The collections that every service keeps beside its own, and how collections are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

Document = dict[str, Any]

KEPT_S = 30 * 86_400
"""Inbox, answers, sent rows: kept longer than Kafka keeps (7 days) or we tell again (8 days)."""

SHARED_INDEXES: Mapping[str, Sequence[IndexModel]] = {
    "outbox": [
        IndexModel([("sent_to", ASCENDING), ("told_at", ASCENDING)]),
        # On sent_at alone: a row not sent yet is never deleted.
        IndexModel([("sent_at", ASCENDING)], expireAfterSeconds=KEPT_S),
    ],
    "inbox": [IndexModel([("heard_at", ASCENDING)], expireAfterSeconds=KEPT_S)],
    "answers": [IndexModel([("kept_at", ASCENDING)], expireAfterSeconds=KEPT_S)],
    "sessions": [IndexModel([("slot", ASCENDING)])],
    "dead_letters": [
        IndexModel([("state", ASCENDING), ("first_at", ASCENDING)]),
        IndexModel([("topic", ASCENDING), ("partition", ASCENDING), ("first_at", ASCENDING)]),
    ],
    "pauses": [],
    "rules": [IndexModel([("district", ASCENDING)])],
    "alarms": [],
    "leases": [],
    "logs": [],
    "processes": [],
}


def ensure_indexes(
    database: Database[Document], indexes: Mapping[str, Sequence[IndexModel]]
) -> None:
    """Make collections and their indexes where missing; at start, never in a transaction."""
    present = set(database.list_collection_names())
    for name, models in indexes.items():
        if name not in present:
            try:
                # The server says whether it is there; what the client looked up is old by now.
                database.create_collection(name, check_exists=False)
            except OperationFailure as error:
                if error.code != 48:  # another process of ours made it meanwhile
                    raise
        if models:
            database[name].create_indexes(list(models))


def upsert_all(
    rows: Collection[Document], changes: Sequence[tuple[str, Document]]
) -> Sequence[int]:
    """Change rows by their ids or make them, in one write; return the numbers of those made."""
    made = rows.bulk_write(
        [UpdateOne({"_id": name}, change, upsert=True) for name, change in changes]
    )
    return sorted(made.upserted_ids or {})
