"""Shifts: one more of an activity, and looking at them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.activities import repository
from services.activities.model import Slot, check_open_for_change, check_slots
from services.activities.operations.activities import (
    led_activity,
    new_shifts,
    revise,
    seen_activity,
)
from services.activities.operations.scope import must_find
from services.activities.operations.views import View, shift_view
from services.activities.repository import Document, Source
from shared.auth import Principal
from shared.errors import NotThere
from shared.mongo import UnitOfWork


def add_shift(
    work: UnitOfWork, *, activity_id: str, who: Principal, now: datetime, **slot: Any
) -> View:
    """Return one more shift of an activity; of a published one it is open at once."""
    row = led_activity(work, activity_id, who)
    check_open_for_change(status=row["status"])
    slots = [Slot(**slot)]
    check_slots(slots=slots, standing=row["shifts_count"], now=now)
    known = (row["first_starts_at"], row["last_starts_at"], slot["starts_at"])
    starts = [at for at in known if at is not None]
    values = {
        "shifts_count": row["shifts_count"] + 1,
        "first_starts_at": min(starts),
        "last_starts_at": max(starts),
    }
    revise(work, row, values)
    made = new_shifts(row, slots)
    repository.add_shifts(work, made)
    return shift_view(made[0])


def shift(source: Source, *, shift_id: str, who: Principal | None) -> View:
    """Return a shift; a draft's only to who leads its region."""
    found = repository.shift(source, shift_id)
    if found is None:
        raise NotThere
    if found.status == "draft":
        must_find(who, found.region)
    return shift_view(found)


def list_shifts_of(
    source: Source, *, activity_id: str, who: Principal | None, after: str | None, limit: int
) -> list[Document]:
    """Return the documents of an activity's shifts; a draft's only to who leads its region."""
    seen_activity(source, activity_id, who)
    return repository.list_shifts_of(source, activity_id=activity_id, after=after, limit=limit)


def list_shifts(
    source: Source,
    *,
    region: str,
    starts_from: datetime,
    starts_before: datetime,
    after: str | None,
    limit: int,
) -> list[Document]:
    """Return the documents of a region's published shifts that start in this time, by time."""
    return repository.list_shifts(
        source,
        region=region,
        starts_from=starts_from,
        starts_before=starts_before,
        after=after,
        limit=limit,
    )
