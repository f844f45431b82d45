"""Invariant 7, the other half: places, diaries and tallies equal what they count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from deploy.audit.report import Invariant
from deploy.audit.sources import Sources

STANDING = "standing"
SHIFT_FIELDS = ("activity_id", "places", "taken", "starts_at", "ends_at")
OUTCOMES = ("published", "unchanged", "rejected")
STARS_MINUTES = tuple(hours * 60 for hours in (100, 300, 600, 1000, 1500))
Slot = tuple[datetime, datetime]


def check(sources: Sources, found: Invariant, zone: ZoneInfo) -> None:
    """Count taken places, each day's diary and each person's tally again."""
    shifts = {
        str(shift["_id"]): shift for shift in sources.scan("activities", "shifts", SHIFT_FIELDS)
    }
    standing = _standing(sources, found, shifts)
    _check_shifts(found, shifts, standing)
    _check_diaries(sources, found, shifts, standing, zone)
    _check_activities(sources, found, shifts)
    _check_imports(sources, found)
    _check_tallies(sources, found)


def _standing(
    sources: Sources, found: Invariant, shifts: Mapping[str, Any]
) -> dict[str, tuple[str, str]]:
    """Return the sign-ups that stand: each one's shift and person."""
    standing: dict[str, tuple[str, str]] = {}
    places: set[tuple[str, str]] = set()
    fields = ("shift_id", "volunteer_id", "state")
    for sign_up in sources.scan("activities", "sign_ups", fields):
        place = (sign_up["shift_id"], sign_up["volunteer_id"])
        if sign_up["state"] != STANDING:
            continue
        found.expect(
            place not in places, f"sign-up {sign_up['_id']}: a second one that stands for {place}"
        )
        if place[0] not in shifts:
            found.found(f"sign-up {sign_up['_id']}: shift {place[0]} is not there")
        places.add(place)
        standing[str(sign_up["_id"])] = place
    return standing


def _check_shifts(
    found: Invariant, shifts: Mapping[str, Any], standing: Mapping[str, tuple[str, str]]
) -> None:
    taken: dict[str, int] = defaultdict(int)
    for shift_id, _ in standing.values():
        taken[shift_id] += 1
    for shift_id, shift in shifts.items():
        found.expect(
            shift["taken"] == taken[shift_id],
            f"shift {shift_id}: {shift['taken']} places taken, {taken[shift_id]} sign-ups stand",
        )
        found.expect(
            0 <= shift["taken"] <= shift["places"],
            f"shift {shift_id}: {shift['taken']} taken of {shift['places']} places",
        )


def _check_diaries(
    sources: Sources,
    found: Invariant,
    shifts: Mapping[str, Any],
    standing: Mapping[str, tuple[str, str]],
    zone: ZoneInfo,
) -> None:
    """Hold each day's entries against the sign-ups that stand; a shift over midnight has two."""
    ought: dict[str, set[str]] = defaultdict(set)
    slots: dict[str, list[tuple[Slot, str]]] = defaultdict(list)
    for sign_up_id, (shift_id, person) in standing.items():
        shift = shifts.get(shift_id)
        if shift is None:
            continue
        slots[person].append(((shift["starts_at"], shift["ends_at"]), sign_up_id))
        for day in days_of(shift["starts_at"], shift["ends_at"], zone):
            ought[f"{person}:{day}"].add(sign_up_id)
    for diary in sources.scan("activities", "diaries", ("entries",)):
        key = str(diary["_id"])
        entries = [entry["sign_up_id"] for entry in diary["entries"]]
        expected = ought.pop(key, set())
        found.expect(
            len(entries) == len(expected) and set(entries) == expected,
            f"diary {key}: {sorted(entries)}, standing that day {sorted(expected)}",
        )
    for key, missing in ought.items():
        found.found(f"diary {key}: not there, standing that day {sorted(missing)}")
    for person, held in slots.items():
        found.looked()
        held.sort()
        for (earlier, first), (later, second) in pairwise(held):
            if later[0] < earlier[1]:
                found.found(f"person {person}: sign-ups {first} and {second} overlap")


def days_of(starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> list[str]:
    """Return the days of the zone that a time touches; an end at midnight touches none."""
    last = (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    day = starts_at.astimezone(zone).date()
    days = []
    while day <= last:
        days.append(day.isoformat())
        day += timedelta(days=1)
    return days


def _check_activities(sources: Sources, found: Invariant, shifts: Mapping[str, Any]) -> None:
    counts = Counter(shift["activity_id"] for shift in shifts.values())
    for activity in sources.scan("activities", "activities", ("shifts_count",)):
        count = counts.pop(activity["_id"], 0)
        found.expect(
            activity["shifts_count"] == count,
            f"activity {activity['_id']}: says {activity['shifts_count']} shifts, has {count}",
        )
    for activity_id, count in counts.items():
        found.found(f"activity {activity_id}: not there, {count} shifts are of it")


def _check_imports(sources: Sources, found: Invariant) -> None:
    """Count again what became of each import's rows: every row once, none without an outcome."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for row in sources.scan("activities", "import_rows", ("import_id", "outcome")):
        counts[row["import_id"]][row["outcome"]] += 1
    for imported in sources.scan("activities", "imports", ("rows", "done", "open", *OUTCOMES)):
        rows = counts[str(imported["_id"])]
        done = sum(rows.values())
        found.differences(
            f"import {imported['_id']}",
            [
                *((outcome, imported[outcome], rows[outcome]) for outcome in OUTCOMES),
                ("done", imported["done"], done),
                ("rows", imported["rows"], imported["rows"] if imported["open"] else done),
            ],
        )


def _check_tallies(sources: Sources, found: Invariant) -> None:
    sums: dict[str, dict[str, int]] = defaultdict(lambda: {"credit": 0, "honorary": 0})
    for row in sources.scan("volunteers", "minutes", ("volunteer_id", "kind", "minutes")):
        sums[row["volunteer_id"]][row["kind"]] += row["minutes"]
    # A district may set other steps; these hold where none did.
    steps = STARS_MINUTES if sources.collection("volunteers", "rules").find_one() is None else None
    for tally in sources.scan("volunteers", "tallies"):
        ought = sums.pop(str(tally["_id"]), {"credit": 0, "honorary": 0})
        if steps is not None:
            stars = sum(sum(ought.values()) >= step for step in steps)
            found.expect(
                tally["stars"] == stars,
                f"tally {tally['_id']}: {tally['stars']} stars, not {stars}",
            )
        found.differences(
            f"tally {tally['_id']}",
            (
                ("credit_minutes", tally["credit_minutes"], ought["credit"]),
                ("honorary_minutes", tally["honorary_minutes"], ought["honorary"]),
            ),
        )
    for person, ought in sums.items():
        if any(ought.values()):
            found.found(f"tally {person}: not there, its rows sum to {ought}")
