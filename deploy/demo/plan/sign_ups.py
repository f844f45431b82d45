"""Who signs up for what, and how it will go: nothing over-booked, no overlap, no day too long.

Shares are taken by place in the list and not by dice, so that a small day has its withdrawal and
its absentee as well as a large one.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from deploy.demo.data import ZONE

SERVICES_WANTED = ((10, 0), (65, 1), (95, 2), (100, 3))
"""Of a hundred volunteers the first 10 sign up for nothing, those up to 65 for one shift, …"""
HOURS_A_DAY_MAX = 8
EVERY_WITHDRAWAL, EVERY_ABSENCE, EVERY_BY_HAND = 16, 25, 4
RUSH_EXTRA = 3
SERVICE_DAYS_MAX = 6
EARLY_ARRIVAL_MIN, LATE_ARRIVAL_MIN = -10, 10
LATE_DEPARTURE_MIN, EARLY_DEPARTURE_MIN = 5, -20


@dataclass(frozen=True, kw_only=True)
class Slot:
    """A published shift, as the services show it."""

    shift_id: str
    activity_id: str
    region: str
    starts_at: datetime
    ends_at: datetime
    places: int

    def overlaps(self, other: Slot) -> bool:
        """Tell whether nobody can serve in both."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    @property
    def day(self) -> date:
        """The day in the district on which it begins."""
        return self.starts_at.astimezone(ZONE).date()


class Fate(StrEnum):
    """What becomes of a sign-up."""

    SERVES = "serves"
    WITHDRAWS = "withdraws"
    STAYS_AWAY = "stays_away"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One volunteer's place in a slot, and how it will go; ``volunteer`` is a place in the list."""

    volunteer: int
    slot: Slot
    fate: Fate
    arrives_at: datetime
    leaves_at: datetime
    by_code: bool
    """Checks in by the rotating code; else the organiser does it."""

    @property
    def late(self) -> bool:
        """Tell whether the person comes after the start."""
        return self.arrives_at > self.slot.starts_at


def service_days(slots: Iterable[Slot], *, seats: int, not_before: datetime) -> list[Slot]:
    """Return the slots of the few days that have seats enough, the roomiest days first chosen."""
    by_day: dict[date, list[Slot]] = defaultdict(list)
    for slot in slots:
        if slot.starts_at >= not_before:
            by_day[slot.day].append(slot)
    chosen: list[Slot] = []
    roomiest = sorted(by_day.values(), key=lambda day: (-_seats(day), day[0].starts_at))
    for number, day in enumerate(roomiest[:SERVICE_DAYS_MAX]):
        if _seats(chosen) >= 2 * seats and number >= SERVICE_DAYS_MAX // 2:
            break
        chosen += day
    return sorted(chosen, key=lambda slot: (slot.starts_at, slot.ends_at, slot.region, slot.places))


def wishes(slots: Sequence[Slot], homes: Sequence[str], *, rng: random.Random) -> list[Wish]:
    """Return who will sign up for what: nothing over-booked, no overlap, ≤ 8 hours a day each."""
    free = {slot.shift_id: slot.places for slot in slots}
    drawn: list[tuple[int, Slot]] = []
    for place, home in enumerate(homes):
        mine: list[Slot] = []
        by_taste = sorted(slots, key=lambda slot: (slot.region[:9] != home[:9], rng.random()))
        for slot in by_taste:
            if len(mine) == _wanted(place, len(homes)):
                break
            if free[slot.shift_id] and fits(slot, mine):
                free[slot.shift_id] -= 1
                mine.append(slot)
        drawn += [(place, slot) for slot in mine]
    return [_wish(volunteer, slot, number) for number, (volunteer, slot) in enumerate(drawn)]


def rush(slots: Sequence[Slot], planned: Sequence[Wish], *, volunteers: int) -> list[Wish]:
    """Return the wishes for one small slot's last places, a few more than there are."""
    taken: dict[str, int] = defaultdict(int)
    mine: dict[int, list[Slot]] = defaultdict(list)
    for wish in planned:
        taken[wish.slot.shift_id] += 1
        mine[wish.volunteer].append(wish.slot)
    left = {slot.shift_id: slot.places - taken[slot.shift_id] for slot in slots}
    small = [slot for slot in slots if left[slot.shift_id]]
    if not small:
        return []
    slot = min(small, key=lambda slot: (left[slot.shift_id], slot.starts_at, slot.region))
    rivals = [place for place in mine if fits(slot, mine[place])]
    wanted = min(left[slot.shift_id] + RUSH_EXTRA, max(2, volunteers // 4))
    return [_wish(place, slot, number) for number, place in enumerate(rivals[:wanted])]


def overlaps(slots: Sequence[Slot], planned: Sequence[Wish]) -> list[tuple[int, Slot]]:
    """Return sign-ups that must be refused, since they overlap one that the volunteer has."""
    found = []
    for wish in planned:
        if wish.fate is not Fate.SERVES:
            continue
        others = (
            slot
            for slot in slots
            if slot.shift_id != wish.slot.shift_id and slot.overlaps(wish.slot)
        )
        other = next(others, None)
        if other is not None:
            found.append((wish.volunteer, other))
    return found


def plain_wish(slot: Slot) -> Wish:
    """Return the wish of someone who comes in time, stays to the end and needs no code."""
    return replace(_wish(-1, slot, 0), by_code=False)


def fits(slot: Slot, mine: Iterable[Slot]) -> bool:
    """Tell whether someone with these slots can serve in one more."""
    others = list(mine)
    if any(slot.overlaps(other) for other in others):
        return False
    same_day = (other for other in others if other.day == slot.day)
    hours = sum(
        (other.ends_at - other.starts_at for other in same_day), slot.ends_at - slot.starts_at
    )
    return hours <= timedelta(hours=HOURS_A_DAY_MAX)


def _wanted(place: int, volunteers: int) -> int:
    return next(wanted for share, wanted in SERVICES_WANTED if place * 100 < share * volunteers)


def _wish(volunteer: int, slot: Slot, number: int) -> Wish:
    fate = Fate.SERVES
    if number % EVERY_WITHDRAWAL == EVERY_WITHDRAWAL // 2:
        fate = Fate.WITHDRAWS
    elif number % EVERY_ABSENCE == EVERY_ABSENCE // 2:
        fate = Fate.STAYS_AWAY
    arrives = LATE_ARRIVAL_MIN if number % 4 == 3 else EARLY_ARRIVAL_MIN
    leaves = EARLY_DEPARTURE_MIN if number % 5 == 4 else LATE_DEPARTURE_MIN
    return Wish(
        volunteer=volunteer,
        slot=slot,
        fate=fate,
        arrives_at=slot.starts_at + timedelta(minutes=arrives),
        leaves_at=slot.ends_at + timedelta(minutes=leaves),
        by_code=number % EVERY_BY_HAND != 1,
    )


def _seats(slots: Iterable[Slot]) -> int:
    return sum(slot.places for slot in slots)
