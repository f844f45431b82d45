"""Regions, for everybody."""

from __future__ import annotations

from services.volunteers import repository
from services.volunteers.operations.shown import Shown, shown_region
from shared.errors import NotThere
from shared.mongo import ServiceDatabase


def regions(
    database: ServiceDatabase,
    *,
    parent: str | None,
    level: str | None,
    after: str | None,
    limit: int,
) -> list[Shown]:
    """Return regions by parent or level in the order of their codes, one more than ``limit``."""
    found = repository.regions(database, parent=parent, level=level, after=after, limit=limit + 1)
    return [shown_region(row) for row in found]


def region(database: ServiceDatabase, code: str) -> Shown:
    """Return a region."""
    row = repository.region(database, code)
    if row is None:
        raise NotThere()
    return shown_region(row)
