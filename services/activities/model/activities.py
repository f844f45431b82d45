"""Activities and their shifts: draft → published → closed.

The rule over several documents is "a shift is open exactly while its activity is published": the
activity's document is the one that publishing, closing and adding shifts all write.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from shared.errors import Invalid, Refusal

Status = Literal["draft", "published", "closed"]

SHIFTS_MAX = 100
PLACES_MAX = 10_000
SHIFT_MAX = timedelta(hours=24)


class ShiftInThePast(Refusal):
    """Only what is still to come may be published by hand."""

    title = "班次时间已过 · The shift is in the past"


class NoShifts(Refusal):
    """An activity without shifts offers nothing to sign up for."""

    title = "活动没有班次 · The activity has no shifts"


class TooManyShifts(Refusal):
    """An activity has its bounds; a longer series is another activity."""

    title = "班次过多 · Too many shifts"


class ActivityNotDraft(Refusal):
    """It was published before."""

    title = "活动已经发布 · The activity is published already"


class ActivityNotPublished(Refusal):
    """It was not published yet."""

    title = "活动尚未发布 · The activity is not published"


class ActivityClosed(Refusal):
    """It is over for good."""

    title = "活动已结束 · The activity is closed"


class ChangedMeanwhile(Refusal):
    """Somebody else changed it since it was read."""

    status = 412
    title = "内容已被修改 · Changed meanwhile"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The time and the places of a shift to be made."""

    starts_at: datetime
    ends_at: datetime
    places: int


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One time slot with places. Times, places and region never change once it is made."""

    shift_id: str
    activity_id: str
    district: str
    region: str
    starts_at: datetime
    ends_at: datetime
    places: int
    taken: int
    status: Status

    @property
    def minutes(self) -> int:
        """Return the shift's length."""
        return (self.ends_at - self.starts_at) // timedelta(minutes=1)

    @property
    def full(self) -> bool:
        """Tell whether every place is taken."""
        return self.taken >= self.places


def check_slots(*, slots: Sequence[Slot], standing: int, now: datetime) -> None:
    """Refuse slots that cannot be meant, lie in the past, or are too many beside what stands."""
    errors = {str(place): wrong for place, slot in enumerate(slots) if (wrong := _wrong(slot))}
    if errors:
        raise Invalid(errors={"shifts": errors})
    if standing + len(slots) > SHIFTS_MAX:
        raise TooManyShifts(shifts_max=SHIFTS_MAX)
    if any(slot.starts_at <= now for slot in slots):
        raise ShiftInThePast


def check_publication(*, status: Status, starts: Sequence[datetime], now: datetime) -> None:
    """Refuse to publish what is no draft, has no shifts, or has one that is not to come."""
    if status == "closed":
        raise ActivityClosed
    if status == "published":
        raise ActivityNotDraft
    if not starts:
        raise NoShifts
    if min(starts) <= now:
        raise ShiftInThePast


def check_closure(*, status: Status) -> None:
    """Refuse to close what is not published. Who signed up before still serves and is confirmed."""
    if status == "closed":
        raise ActivityClosed
    if status == "draft":
        raise ActivityNotPublished


def check_open_for_change(*, status: Status) -> None:
    """Refuse to change what is over."""
    if status == "closed":
        raise ActivityClosed


def _wrong(slot: Slot) -> dict[str, Any]:
    wrong: dict[str, Any] = {}
    for name in ("starts_at", "ends_at"):
        moment: datetime = getattr(slot, name)
        if moment.second or moment.microsecond:
            # Minutes are the unit of record; a shift of half a minute could not be told.
            wrong[name] = ["whole minutes only"]
    if slot.ends_at <= slot.starts_at:
        wrong["ends_at"] = ["not after the start"]
    elif slot.ends_at - slot.starts_at > SHIFT_MAX:
        wrong["ends_at"] = ["more than 24 hours after the start"]
    if not 1 <= slot.places <= PLACES_MAX:
        wrong["places"] = [f"from 1 to {PLACES_MAX}"]
    return wrong
