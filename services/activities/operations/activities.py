"""Activities and shifts: create, change, publish, close, look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from services.activities import repository
from services.activities.model import (
    ChangedMeanwhile,
    Shift,
    Slot,
    check_closure,
    check_open_for_change,
    check_publication,
    check_slots,
)
from services.activities.operations.scope import (
    leads,
    led_regions,
    must_find,
    must_lead,
)
from services.activities.operations.views import View, activity_view, shift_view
from services.activities.repository import Document, Source
from shared import ids, regions
from shared.auth import NotSignedIn, Principal
from shared.errors import NotThere
from shared.mongo import UnitOfWork


def create_activity(
    work: UnitOfWork,
    *,
    who: Principal,
    now: datetime,
    title: str,
    summary: str,
    region: str,
    kind: str,
    shifts: Sequence[Mapping[str, Any]],
) -> View:
    """Return a new draft with its shifts; refuses a region that the person does not lead."""
    must_lead(who, region)
    slots = [Slot(**slot) for slot in shifts]
    check_slots(slots=slots, standing=0, now=now)
    row = new_activity(
        activity_id=ids.new_id(),
        region=region,
        title=title,
        summary=summary,
        kind=kind,
        organisation="",
        slots=slots,
        created_by=who.person_id,
        now=now,
    )
    made = new_shifts(row, slots)
    repository.add_activities(work, [row])
    if made:
        repository.add_shifts(work, made)
    return activity_view(row) | {"shifts": [shift_view(shift) for shift in made]}


def change_activity(
    work: UnitOfWork,
    *,
    activity_id: str,
    who: Principal,
    revision: int,
    values: Mapping[str, str],
) -> View:
    """Return the activity with another title, summary or kind; its region never changes.

    Refuses a closed one, and one that has another revision by now.
    """
    row = led_activity(work, activity_id, who)
    check_open_for_change(status=row["status"])
    if row["revision"] != revision:
        raise ChangedMeanwhile
    return revise(work, row, dict(values))


def publish_activity(work: UnitOfWork, *, activity_id: str, who: Principal, now: datetime) -> View:
    """Return the activity published, its shifts open; refuses one with a shift in the past."""
    row = led_activity(work, activity_id, who)
    starts = [shift.starts_at for shift in repository.shifts_of(work, activity_id)]
    check_publication(status=row["status"], starts=starts, now=now)
    view = revise(work, row, {"status": "published", "published_at": now})
    repository.set_shifts_status(work, activity_id=activity_id, status="published")
    return view


def close_activity(work: UnitOfWork, *, activity_id: str, who: Principal, now: datetime) -> View:
    """Return the activity closed: nobody signs up any more, who did still serves."""
    row = led_activity(work, activity_id, who)
    check_closure(status=row["status"])
    view = revise(work, row, {"status": "closed", "closed_at": now})
    repository.set_shifts_status(work, activity_id=activity_id, status="closed")
    return view


def activity(source: Source, *, activity_id: str, who: Principal | None) -> View:
    """Return an activity; a draft only to who leads its region."""
    return activity_view(seen_activity(source, activity_id, who))


def led_activity_view(source: Source, *, activity_id: str, who: Principal) -> View:
    """Return an activity to who leads its region; to others it is not there."""
    return activity_view(led_activity(source, activity_id, who))


def list_activities(
    source: Source,
    *,
    who: Principal | None,
    region: str | None,
    status: str,
    starts_after: datetime | None,
    after: str | None,
    limit: int,
) -> list[Document]:
    """Return activities' documents; drafts only of the regions that the person leads."""
    asked: tuple[str, ...] = (region or "",)
    if status == "draft":
        if who is None:
            raise NotSignedIn
        led = led_regions(who)
        asked = led if region is None else tuple({region} if leads(who, region) else ())
    if not asked:
        return []
    return repository.list_activities(
        source,
        status=status,
        regions=asked[:50],
        starts_after=starts_after,
        after=after,
        limit=limit,
    )


def led_activity(source: Source, activity_id: str, who: Principal) -> Document:
    """Return an activity's document to who leads its region; to others it is not there."""
    row = repository.activity(source, activity_id)
    if row is None:
        raise NotThere
    must_find(who, row["region"])
    return row


def new_activity(
    *,
    activity_id: str,
    region: str,
    title: str,
    summary: str,
    kind: str,
    organisation: str,
    slots: Sequence[Slot],
    created_by: str,
    now: datetime,
) -> Document:
    """Return the document of a draft."""
    starts = [slot.starts_at for slot in slots]
    return {
        "_id": activity_id,
        "district": regions.district_of(region),
        "region": region,
        "title": title,
        "summary": summary,
        "kind": kind,
        "organisation": organisation,
        "status": "draft",
        "shifts_count": len(slots),
        "first_starts_at": min(starts, default=None),
        "last_starts_at": max(starts, default=None),
        "created_by": created_by,
        "created_at": now,
        "published_at": None,
        "closed_at": None,
        "imported": None,
        "revision": 1,
    }


def revise(work: UnitOfWork, row: Document, values: dict[str, Any]) -> View:
    """Return an activity with other values; refuses where it was changed meanwhile."""
    revision = row["revision"]
    changed = repository.change_activity(
        work, activity_id=row["_id"], revision=revision, values=values
    )
    if not changed:
        raise ChangedMeanwhile
    return activity_view({**row, **values, "revision": revision + 1})


def seen_activity(source: Source, activity_id: str, who: Principal | None) -> Document:
    """Return an activity's document; a draft's only to who leads its region."""
    row = repository.activity(source, activity_id)
    if row is None:
        raise NotThere
    if row["status"] == "draft":
        must_find(who, row["region"])
    return row


def new_shifts(activity: Document, slots: Sequence[Slot]) -> list[Shift]:
    """Return an activity's new shifts, in its region and its status."""
    return [
        Shift(
            shift_id=ids.new_id(),
            activity_id=activity["_id"],
            district=activity["district"],
            region=activity["region"],
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            places=slot.places,
            taken=0,
            status=activity["status"],
        )
        for slot in slots
    ]
