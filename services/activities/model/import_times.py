"""When an imported activity takes place: its dates, moved to the coming weeks, and its times."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.activities.model.activities import PLACES_MAX, Slot
from services.activities.model.import_cells import RowRejected, cell, line_of
from services.activities.model.mapping import DAYS_MAX, Mapping

_YEARS = range(1900, 2201)
_PLACES = re.compile(r"([0-9]{1,9})(\.0*)?")


def moved_date(*, day: date, first: date, window_weeks: int | None) -> date:
    """Return a day moved by whole years to the first such day that is not before ``first``.

    29 February falls on 28 February in a year without it. With a window, what is then farther
    ahead comes back by whole windows of weeks, so it keeps its day of the week.
    """
    moved = _in_year(day, first.year)
    if moved < first:
        moved = _in_year(day, first.year + 1)
    if window_weeks is None:
        return moved
    return first + (moved - first) % timedelta(weeks=window_weeks)


def slots_of(
    *, values: dict[str, str], mapping: Mapping, accepted_at: datetime, zone: ZoneInfo
) -> tuple[Slot, ...]:
    """Return the shifts that a row asks for; raises :class:`RowRejected` where it makes no sense.

    What is weekly takes place on so many weeks, what is once on each of its days. Moved dates
    begin on the day after the import was accepted; dates that stay must lie ahead of it.
    """
    start, end = _dates(values, mapping)
    starts, ends = _times(values, mapping)
    places = _places(cell(values, mapping.columns.places), mapping)
    days = _days(start, end, cell(values, mapping.columns.recurrence), mapping)
    if mapping.move_by_years:
        first = accepted_at.astimezone(zone).date() + timedelta(days=1)
        to = moved_date(day=start, first=first, window_weeks=mapping.window_weeks)
        days = [day - start + to for day in days]
    slots = tuple(
        Slot(
            starts_at=datetime.combine(day, starts, zone).astimezone(UTC),
            ends_at=datetime.combine(day, ends, zone).astimezone(UTC),
            places=places,
        )
        for day in days
    )
    if slots[0].starts_at <= accepted_at:
        raise RowRejected("in-the-past", f"{days[0]} {starts:%H:%M}")
    return slots


def _days(start: date, end: date, recurrence: str, mapping: Mapping) -> list[date]:
    meant = line_of(recurrence).casefold()
    if meant in mapping.weekly:
        # The end date of what is weekly says how long it is advertised, not how long it lasts.
        return [start + timedelta(weeks=week) for week in range(mapping.weeks)]
    if meant and meant not in mapping.once:
        raise RowRejected("unknown-recurrence", meant)
    if end - start >= timedelta(days=DAYS_MAX):
        raise RowRejected("too-many-days", f"{(end - start).days + 1} > {DAYS_MAX}")
    return [start + timedelta(days=day) for day in range((end - start).days + 1)]


def _dates(values: dict[str, str], mapping: Mapping) -> tuple[date, date]:
    columns = mapping.columns
    given = line_of(values[columns.start_date])
    if not given:
        raise RowRejected("no-start-date")
    start = _date(given, mapping, "unreadable-start-date")
    given = line_of(cell(values, columns.end_date))
    end = _date(given, mapping, "unreadable-end-date") if given else start
    if end < start:
        raise RowRejected("end-before-start", f"{end} < {start}")
    return start, end


def _times(values: dict[str, str], mapping: Mapping) -> tuple[time, time]:
    columns = mapping.columns
    starts = _time(line_of(cell(values, columns.start_time)), mapping)
    ends = _time(line_of(cell(values, columns.end_time)), mapping)
    if starts is None and ends is None:
        return mapping.default_start, mapping.default_end
    length = _on_a_day(mapping.default_end) - _on_a_day(mapping.default_start)
    if starts is None:
        starts = mapping.default_start
    if ends is None:
        later = _on_a_day(starts) + length
        # What would pass midnight ends with the day.
        ends = later.time() if later.date() == _on_a_day(starts).date() else time(23, 59)
    if ends <= starts:
        raise RowRejected("end-before-start", f"{ends:%H:%M} ≤ {starts:%H:%M}")
    return starts, ends


def _date(given: str, mapping: Mapping, reason: str) -> date:
    for known in mapping.date_formats:
        try:
            day = datetime.strptime(given, known).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
        if day.year in _YEARS:
            return day
    raise RowRejected(reason, given)


def _time(given: str, mapping: Mapping) -> time | None:
    if not given or given in mapping.no_time:
        return None
    for known in mapping.time_formats:
        try:
            return datetime.strptime(given, known).time()  # noqa: DTZ007 - of the district's clock
        except ValueError:
            continue
    raise RowRejected("unreadable-time", given)


def _on_a_day(moment: time) -> datetime:
    return datetime.combine(date(2000, 1, 1), moment)


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _places(given: str, mapping: Mapping) -> int:
    text = line_of(given)
    if not text:
        return mapping.places_default
    found = _PLACES.fullmatch(text)
    if found is None:
        raise RowRejected("unreadable-places", text)
    places = int(found[1])
    if not 1 <= places <= PLACES_MAX:
        raise RowRejected("places-out-of-range", text)
    return places
