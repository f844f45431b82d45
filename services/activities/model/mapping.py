"""The mapping of an import: which column of a CSV is what, and how its values are meant.

``docs/imports.md`` describes the document; ``schemas`` checks its shape.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Document
from dataclasses import dataclass
from datetime import time
from typing import Any

from shared.errors import Invalid

DAYS_MAX = 7
"""What is once may last so many days, one shift each."""

_DIRECTIVE = re.compile(r"%(.)")
_DAYS, _MONTHS, _YEARS = set("d"), set("mbB"), set("yY")
_HOURS, _CLOCK = set("HI"), set("HIMp")


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The names of the columns; None where the file has no such column."""

    title: str
    start_date: str
    id: str | None = None
    summary: str | None = None
    organisation: str | None = None
    kind: str | None = None
    end_date: str | None = None
    start_time: str | None = None
    end_time: str | None = None
    recurrence: str | None = None
    places: str | None = None

    def named(self) -> tuple[str, ...]:
        """Return the columns that the file must have."""
        return tuple(name for name in vars(self).values() if name is not None)


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """How a file is read."""

    source: str
    """Names the file's id space: the same id of the same source is the same activity."""
    columns: Columns
    regions: tuple[str, ...]
    """The activities are spread over these, each by its own id."""
    date_formats: tuple[str, ...]
    move_by_years: bool = False
    """Move dates by whole years to the next such day that is still to come."""
    window_weeks: int | None = None
    """Fold what then lies farther ahead into so many coming weeks, by whole weeks."""
    time_formats: tuple[str, ...] = ("%H:%M",)
    no_time: tuple[str, ...] = ()
    """Values that mean "no time is given", besides an empty cell."""
    default_start: time = time(9)
    default_end: time = time(11)
    once: tuple[str, ...] = ()
    """Values of the recurrence column that mean "once"."""
    weekly: tuple[str, ...] = ()
    """Values that mean "every week"."""
    weeks: int = 4
    """So many weeks are published of what is weekly."""
    places_default: int = 10
    """Where the file has no such column, or an empty cell."""

    @property
    def shifts_max(self) -> int:
        """Return how many shifts one row can become."""
        return max(DAYS_MAX, self.weeks if self.weekly else 0)


def mapping_of(document: Document[str, Any]) -> Mapping:
    """Return the mapping that a document says (its shape was checked before).

    Refuses one that contradicts itself.
    """
    dates, times = document["dates"], document.get("times", {})
    recurrence, places = document.get("recurrence", {}), document.get("places", {})
    start, end = times.get("default_start", "09:00"), times.get("default_end", "11:00")
    mapping = Mapping(
        source=document["source"],
        columns=Columns(**document["columns"]),
        regions=tuple(sorted(set(document["regions"]))),
        date_formats=tuple(dates["formats"]),
        move_by_years=dates.get("move") == "whole-years",
        window_weeks=dates.get("window_weeks"),
        time_formats=tuple(times.get("formats", ["%H:%M"])),
        no_time=tuple(times.get("none", [])),
        default_start=time.fromisoformat(start),
        default_end=time.fromisoformat(end),
        once=tuple(word.casefold() for word in recurrence.get("once", [])),
        weekly=tuple(word.casefold() for word in recurrence.get("weekly", [])),
        weeks=recurrence.get("weeks", 4),
        places_default=places.get("default", 10),
    )
    check_mapping(mapping)
    return mapping


def check_mapping(mapping: Mapping) -> None:
    """Refuse a mapping that contradicts itself; ``errors`` says which member and why."""
    errors: dict[str, dict[str, list[str]]] = {}
    if len({region[:6] for region in mapping.regions}) != 1:
        # The district is part of an imported activity's identity, and its book takes the earnings.
        errors["regions"] = {"_": ["regions of one district"]}
    if len(set(mapping.columns.named())) != len(mapping.columns.named()):
        errors["columns"] = {"_": ["each column once"]}
    if not all(map(_is_date_format, mapping.date_formats)):
        errors["dates"] = {"formats": ["each with day, month and year, once each"]}
    if not all(map(_is_time_format, mapping.time_formats)):
        errors["times"] = {"formats": ["each with an hour, from %H %I %M %p"]}
    if mapping.default_end <= mapping.default_start:
        errors["times"] = {**errors.get("times", {}), "default_end": ["not after the start"]}
    if mapping.window_weeks is not None and not mapping.move_by_years:
        errors["dates"] = {**errors.get("dates", {}), "window_weeks": ["only where dates move"]}
    if set(mapping.once) & set(mapping.weekly):
        errors["recurrence"] = {"weekly": ["a value means one thing"]}
    if errors:
        raise Invalid("字段映射无效 · The mapping is not valid", errors={"mapping": errors})


def _is_date_format(text: str) -> bool:
    used = _DIRECTIVE.findall(text)
    return len(used) == 3 and all(len(set(used) & kind) == 1 for kind in (_DAYS, _MONTHS, _YEARS))


def _is_time_format(text: str) -> bool:
    used = _DIRECTIVE.findall(text)
    return len(set(used) & _HOURS) == 1 and set(used) <= _CLOCK and len(used) == len(set(used))
