"""From a row to an activity, or to the reason why not."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.activities.model import (
    REASONS,
    Draft,
    RowRejected,
    draft_of,
    mapping_of,
    moved_date,
    read_table,
    read_text,
    region_of,
    repeated_lines,
)
from services.activities.schemas import read_mapping
from shared.errors import Invalid
from tests.activities.making import ZONE
from tests.activities.nyc import MAPPING_FILE, ROW, nyc_file, nyc_mapping

ACCEPTED_AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
TOMORROW = date(2026, 11, 23)


def drafts(content: bytes, **changes: Any) -> list[Draft | str]:
    """Return what becomes of each row: a draft, or the reason."""
    mapping = mapping_of(nyc_mapping(**changes))
    table = read_table(read_text(content), columns=mapping.columns.named())
    found: list[Draft | str] = []
    for row in table.rows:
        try:
            draft = draft_of(
                table=table, row=row, mapping=mapping, accepted_at=ACCEPTED_AT, zone=ZONE
            )
        except RowRejected as rejected:
            found.append(rejected.reason)
        else:
            found.append(draft)
    return found


def draft(**cells: str) -> Draft:
    (found,) = drafts(nyc_file(cells))
    assert isinstance(found, Draft), found
    return found


def days_of_slots(found: Draft) -> list[date]:
    return [slot.starts_at.astimezone(ZONE).date() for slot in found.slots]


def test_the_mapping_beside_the_demo_is_valid():
    mapping = mapping_of(read_mapping(MAPPING_FILE.read_text()))

    assert len(mapping.regions) == 100
    assert mapping.weeks == 4


def test_a_row_becomes_an_activity_on_a_coming_day_from_nine_to_eleven():
    found = draft()

    assert (found.title, found.kind, found.organisation) == (
        "Stop 'N' Swap",
        "Environment",
        "Office of Recycling",
    )
    (slot,) = found.slots
    assert slot.places == 15
    assert slot.starts_at.astimezone(ZONE).strftime("%H:%M") == "09:00"
    assert slot.ends_at - slot.starts_at == timedelta(hours=2)
    assert TOMORROW <= days_of_slots(found)[0] < TOMORROW + timedelta(weeks=2)


def test_what_is_ongoing_takes_place_weekly_for_four_weeks():
    days = days_of_slots(draft(recurrence_type="ongoing", end_date_date="March 31 2012"))

    assert len(days) == 4
    assert {later - earlier for earlier, later in pairwise(days)} == {timedelta(weeks=1)}


def test_what_lasts_some_days_has_a_shift_on_each():
    days = days_of_slots(draft(end_date_date="February 07 2011"))

    assert days == [days[0] + timedelta(days=day) for day in range(3)]


@pytest.mark.parametrize(
    ("day", "years_only", "in_two_weeks"),
    [
        # A day later this year, one of next year, tomorrow's own, and today's a year on.
        (date(2011, 12, 24), date(2026, 12, 24), date(2026, 11, 26)),
        (date(2011, 2, 5), date(2027, 2, 5), date(2026, 11, 27)),
        (date(2011, 11, 23), date(2026, 11, 23), date(2026, 11, 23)),
        (date(2011, 11, 22), date(2027, 11, 22), date(2026, 11, 23)),
        # 29 February falls on the 28th where there is none.
        (date(2012, 2, 29), date(2027, 2, 28), date(2026, 11, 22) + timedelta(days=1 + 13)),
        # A date that lies years ahead comes back.
        (date(2031, 1, 10), date(2027, 1, 10), date(2026, 11, 23) + timedelta(days=6)),
    ],
)
def test_dates_move_by_whole_years_and_then_by_whole_weeks(day, years_only, in_two_weeks):
    moved = moved_date(day=day, first=TOMORROW, window_weeks=None)
    folded = moved_date(day=day, first=TOMORROW, window_weeks=2)

    assert moved == years_only
    assert folded == in_two_weeks
    assert folded.weekday() == moved.weekday()


@given(
    st.dates(date(1900, 1, 1), date(2200, 12, 31)),
    st.dates(date(2024, 1, 1), date(2030, 12, 31)),
    st.integers(min_value=1, max_value=52),
)
def test_a_moved_date_is_the_next_of_its_day_and_lies_in_the_window(day, first, weeks):
    moved = moved_date(day=day, first=first, window_weeks=None)
    folded = moved_date(day=day, first=first, window_weeks=weeks)

    assert first <= moved < first + timedelta(days=367)
    assert (moved.month, moved.day) in {(day.month, day.day), (2, 28)}
    assert first <= folded < first + timedelta(weeks=weeks)
    assert (moved - folded).days % 7 == 0


def test_29_february_stays_where_the_year_has_one():
    assert moved_date(day=date(2012, 2, 29), first=date(2027, 3, 1), window_weeks=None) == date(
        2028, 2, 29
    )


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"title": ""}, "no-title"),
        ({"title": " \n\t "}, "no-title"),
        ({"title": "x" * 201}, "title-too-long"),
        ({"summary": "x" * 4001}, "summary-too-long"),
        ({"category_desc": "x" * 101}, "kind-too-long"),
        ({"org_title": "x" * 201}, "organisation-too-long"),
        ({"opportunity_id": "x" * 300}, "id-too-long"),
        ({"start_date_date": ""}, "no-start-date"),
        ({"start_date_date": "soon"}, "unreadable-start-date"),
        ({"start_date_date": "February 30 2011"}, "unreadable-start-date"),
        ({"start_date_date": "9999-12-31"}, "unreadable-start-date"),
        ({"end_date_date": "never"}, "unreadable-end-date"),
        ({"end_date_date": "February 04 2011"}, "end-before-start"),
        ({"end_date_date": "February 12 2011"}, "too-many-days"),
        ({"recurrence_type": "now and then"}, "unknown-recurrence"),
        ({"event_time": "noon"}, "unreadable-time"),
        ({"event_time": "23:59"}, "end-before-start"),
        ({"vol_requests": "0"}, "places-out-of-range"),
        ({"vol_requests": "10001"}, "places-out-of-range"),
        ({"vol_requests": "-3"}, "unreadable-places"),
        ({"vol_requests": "many"}, "unreadable-places"),
        ({"vol_requests": "2.5"}, "unreadable-places"),
        ({"vol_requests": "٣"}, "unreadable-places"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_its_neighbours_are_not(cells, reason):
    before, found, after = drafts(nyc_file({}, cells, {}))

    assert found == reason
    assert isinstance(before, Draft)
    assert isinstance(after, Draft)


def test_a_row_of_more_or_fewer_cells_is_rejected():
    header, row, _ = nyc_file({"locality": ""}).split(b"\r\n")

    assert drafts(b"\r\n".join([header, row + b",more", row.rpartition(b",")[0]])) == [
        "wrong-number-of-cells",
        "wrong-number-of-cells",
    ]


def test_an_unmoved_date_must_lie_ahead():
    past, ahead = drafts(
        nyc_file({}, {"start_date_date": "December 05 2026", "end_date_date": "December 05 2026"}),
        dates={"formats": ["%B %d %Y"]},
    )

    assert past == "in-the-past"
    assert isinstance(ahead, Draft)
    assert days_of_slots(ahead) == [date(2026, 12, 5)]


def test_a_given_time_lasts_as_long_as_the_default_and_no_places_are_the_default():
    found = draft(event_time="2:30 PM", vol_requests="", opportunity_id="")

    (slot,) = found.slots
    assert slot.places == 10
    assert slot.starts_at.astimezone(ZONE).strftime("%H:%M") == "14:30"
    assert slot.ends_at.astimezone(ZONE).strftime("%H:%M") == "16:30"


def test_text_comes_on_one_line_without_control_signs():
    found = draft(title="  Web \n\x07 designer ", vol_requests="20.0", recurrence_type="OneTime")

    assert found.title == "Web designer"
    assert found.slots[0].places == 20


def test_the_same_row_is_the_same_activity_in_the_same_region_whatever_stands_around_it():
    (alone,) = drafts(nyc_file({"opportunity_id": "77"}))
    _, among, _ = drafts(nyc_file({}, {"opportunity_id": "77"}, {}))

    assert alone == among


def test_a_row_without_an_id_is_named_by_all_of_its_cells():
    first, same, other = drafts(
        nyc_file(*({"opportunity_id": "", "locality": place} for place in ("a", "a", "b")))
    )

    assert isinstance(first, Draft)
    assert first == same
    assert isinstance(other, Draft)
    assert first.activity_id != other.activity_id


def test_activities_spread_over_all_regions_and_another_region_moves_only_its_share():
    regions = [f"430211001{number:03}" for number in range(10)]
    before = {str(key): region_of(key=str(key), regions=regions) for key in range(1000)}
    after = {
        str(key): region_of(key=str(key), regions=[*regions, "430211002001"]) for key in range(1000)
    }

    assert min(Counter(before.values()).values()) > 50
    assert {after[key] for key in after if after[key] != before[key]} == {"430211002001"}


def test_of_rows_with_one_id_the_first_that_can_be_published_counts():
    mapping = mapping_of(nyc_mapping())
    same = {"opportunity_id": "77", "locality": ""}
    text = read_text(nyc_file(same | {"title": ""}, same, {"locality": ""}, same, same))
    table = read_table(text, columns=mapping.columns.named())

    lines = repeated_lines(table=table, mapping=mapping, accepted_at=ACCEPTED_AT, zone=ZONE)

    assert lines == {5, 6}


@pytest.mark.parametrize(
    "changes",
    [
        {"regions": ["430211001001", "430212001001"]},
        {"columns": {"title": "title", "start_date": "title"}},
        {"dates": {"formats": ["%d %m"]}},
        {"dates": {"formats": ["%d %d %m %Y"]}},
        {"dates": {"formats": ["%d %m %Y"], "window_weeks": 2}},
        {"times": {"formats": ["%M"]}},
        {"times": {"default_start": "11:00", "default_end": "09:00"}},
        {"recurrence": {"once": ["x"], "weekly": ["X"]}},
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused(changes):
    with pytest.raises(Invalid):
        mapping_of(nyc_mapping(**changes))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"a": NaN}',
        "[" * 10_000,
        '{"\\ud800": 1}',
        '{"source": {"$ne": null}}',
    ],
)
def test_a_mapping_of_another_shape_is_refused(text):
    with pytest.raises(Invalid):
        read_mapping(text)


cell = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [*ROW.values(), "ongoing", "", "0", "12", "9:00 AM", "2011-02-30", "1/1/2011", "=1+1"]
    ),
)


@given(st.fixed_dictionaries(dict.fromkeys(ROW, cell)))
def test_whatever_a_row_holds_it_is_published_or_rejected_with_a_reason(cells):
    cells = {name: value.replace("\0", "") for name, value in cells.items()}
    (found,) = drafts(nyc_file({name: _utf8(value) for name, value in cells.items()}))

    assert isinstance(found, Draft) or found in REASONS


def _utf8(text: str) -> str:
    return text.encode("utf-8", "ignore").decode()
