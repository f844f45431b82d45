"""A service's database: units of work, and the rows that every service keeps beside its own."""

from shared.mongo.alarms import raise_alarm
from shared.mongo.collections import SHARED_INDEXES, Document, ensure_indexes, upsert_all
from shared.mongo.database import ServiceDatabase, UnitOfWork, ask_again
from shared.mongo.leases import Lease
from shared.mongo.sessions import open_client, user_of
from shared.mongo.trouble import (
    CommitUnknown,
    DatabaseTrouble,
    TakenEveryTime,
    answered_within,
    only_duplicates,
    passes,
)

__all__ = [
    "SHARED_INDEXES",
    "CommitUnknown",
    "DatabaseTrouble",
    "Document",
    "Lease",
    "ServiceDatabase",
    "TakenEveryTime",
    "UnitOfWork",
    "answered_within",
    "ask_again",
    "ensure_indexes",
    "only_duplicates",
    "open_client",
    "passes",
    "raise_alarm",
    "upsert_all",
    "user_of",
]
