"""Alarms: what cannot be, counted, logged as an error, and kept until an operator settles it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

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
    # Raised again, it is open again, whoever had settled it.
    seen = {
        "$inc": {"count": 1},
        "$set": {"last_at": at, "detail": detail[:500]},
        "$unset": {"settled_at": "", "settled_because": ""},
    }
    first = {"kind": kind, "about": about, "first_at": at}
    row = {"_id": f"{kind}:{about}"}
    try:
        database.db.alarms.update_one(row, {**seen, "$setOnInsert": first}, upsert=True)
    except DuplicateKeyError:
        # Two first times at once: the other one made the row.
        database.db.alarms.update_one(row, seen)


def open_alarms(database: ServiceDatabase, limit: int = 1000) -> list[dict[str, Any]]:
    """Return the alarms that nobody has settled."""
    return list(database.db.alarms.find({"settled_at": None}).limit(limit))


def settle_alarms(database: ServiceDatabase, ids: Sequence[str], because: str) -> int:
    """Note of open alarms why they need nothing more; return how many were open."""
    settled = {"$set": {"settled_at": clock.real_now(), "settled_because": because[:500]}}
    open_ones = {"_id": {"$in": list(ids)}, "settled_at": None}
    return database.db.alarms.update_many(open_ones, settled).modified_count
