"""Regions: loaded by ``deploy.bootstrap``, read by everybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pymongo import ReplaceOne

from services.volunteers.repository.source import Document, Source, session_of
from shared.mongo import ServiceDatabase

BATCH = 500


def load_regions(database: ServiceDatabase, rows: Iterable[Mapping[str, str]]) -> int:
    """Keep these regions as they are told now; return how many were new or told otherwise."""
    present = {row["_id"]: row for row in database.db.regions.find()}
    writes: list[ReplaceOne[Document]] = []
    for row in rows:
        code = row["code"]
        told = {"_id": code, "name": row["name"], "parent": row["parent"], "level": row["level"]}
        if code not in present:
            # An upsert: run twice at the same time, both end with the same.
            writes.append(ReplaceOne({"_id": code}, told, upsert=True))
        elif present[code] != told:
            writes.append(ReplaceOne({"_id": code}, told))
    for start in range(0, len(writes), BATCH):
        database.db.regions.bulk_write(writes[start : start + BATCH], ordered=False)
    return len(writes)


def region(source: Source, code: str) -> Document | None:
    """Return a region; None where there is none."""
    return source.db.regions.find_one({"_id": code}, session=session_of(source))


def regions(
    database: ServiceDatabase,
    *,
    parent: str | None,
    level: str | None,
    after: str | None,
    limit: int,
) -> list[Document]:
    """Return regions in the order of their codes."""
    wanted: Document = {}
    if parent is not None:
        wanted["parent"] = parent
    if level is not None:
        wanted["level"] = level
    if after is not None:
        wanted["_id"] = {"$gt": after}
    return list(database.db.regions.find(wanted).sort("_id").limit(limit))
