"""The service's own collections and their indexes; those of the mechanism are made by it."""

from __future__ import annotations

from services.activities.repository import activities, attendances, imports, records, sign_ups
from shared.mongo import ServiceDatabase, ensure_indexes

INDEXES = {
    **activities.INDEXES,
    **sign_ups.INDEXES,
    **attendances.INDEXES,
    **records.INDEXES,
    **imports.INDEXES,
}


def make_collections(database: ServiceDatabase) -> None:
    """Make what is missing; at start, never in a transaction."""
    ensure_indexes(database.db, INDEXES)
