"""Alarms: what cannot be, counted, logged as an error, and kept for operators to see."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pymongo.errors import DuplicateKeyError

from shared import clock, metrics

if TYPE_CHECKING:
    from shared.mongo.database import ServiceDatabase

log = logging.getLogger(__name__)


def raise_alarm(database: ServiceDatabase, kind: str, about: str, detail: str = "") -> None:
    """Keep one row per kind and thing: how often, first and last time. Outside any unit of work."""
    metrics.ALARMS.labels(database.name, kind).inc()
    log.error("alarm", extra={"alarm": kind, "about": about, "detail": detail})
    at = clock.real_now()
    seen = {"$inc": {"count": 1}, "$set": {"last_at": at, "detail": detail[:500]}}
    first = {"kind": kind, "about": about, "first_at": at}
    row = {"_id": f"{kind}:{about}"}
    try:
        database.db.alarms.update_one(row, {**seen, "$setOnInsert": first}, upsert=True)
    except DuplicateKeyError:
        # Two first times at once: the other one made the row.
        database.db.alarms.update_one(row, seen)
