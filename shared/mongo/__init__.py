"""A service's database: units of work, and the rows that every service keeps beside its own."""

from shared.mongo.alarms import raise_alarm
from shared.mongo.database import (
    SHARED_INDEXES,
    CommitUnknown,
    DatabaseTrouble,
    Document,
    ServiceDatabase,
    TakenEveryTime,
    UnitOfWork,
    answered_within,
    ask_again,
    ensure_indexes,
    passes,
    upsert_all,
)
from shared.mongo.leases import holds_lease
from shared.mongo.sessions import open_client, user_of

__all__ = [
    "SHARED_INDEXES",
    "CommitUnknown",
    "DatabaseTrouble",
    "Document",
    "ServiceDatabase",
    "TakenEveryTime",
    "UnitOfWork",
    "answered_within",
    "ask_again",
    "ensure_indexes",
    "holds_lease",
    "open_client",
    "passes",
    "raise_alarm",
    "upsert_all",
    "user_of",
]
