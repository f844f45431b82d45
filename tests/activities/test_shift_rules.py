"""What may be published: slots, and the way from draft to closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.activities.model import (
    PLACES_MAX,
    SHIFTS_MAX,
    ActivityClosed,
    ActivityNotDraft,
    ActivityNotPublished,
    NoShifts,
    ShiftInThePast,
    Slot,
    TooManyShifts,
    check_closure,
    check_open_for_change,
    check_publication,
    check_slots,
)
from shared.errors import Invalid
from tests.activities.making import NINE

EARLIER = NINE - timedelta(days=1)


def slot(**changes: object) -> Slot:
    values = {"starts_at": NINE, "ends_at": NINE + timedelta(hours=2), "places": 10}
    return Slot(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_at": NINE},
        {"ends_at": NINE - timedelta(minutes=1)},
        {"ends_at": NINE + timedelta(hours=24, minutes=1)},
        {"starts_at": NINE + timedelta(seconds=1)},
        {"ends_at": NINE + timedelta(hours=1, milliseconds=1)},
        {"places": 0},
        {"places": -1},
        {"places": PLACES_MAX + 1},
    ],
)
def test_a_slot_that_cannot_be_meant_is_refused_by_its_place(wrong):
    with pytest.raises(Invalid) as refusal:
        check_slots(slots=[slot(), slot(**wrong)], standing=0, now=EARLIER)

    assert list(refusal.value.facts["errors"]["shifts"]) == ["1"]


def test_a_whole_day_is_the_longest_slot():
    check_slots(slots=[slot(ends_at=NINE + timedelta(hours=24))], standing=0, now=EARLIER)


def test_nothing_is_offered_that_has_begun():
    with pytest.raises(ShiftInThePast):
        check_slots(slots=[slot()], standing=0, now=NINE)


def test_an_activity_has_no_more_shifts_than_its_bound():
    check_slots(slots=[slot()], standing=SHIFTS_MAX - 1, now=EARLIER)
    with pytest.raises(TooManyShifts):
        check_slots(slots=[slot()], standing=SHIFTS_MAX, now=EARLIER)


def test_a_draft_is_published_once_with_shifts_to_come():
    check_publication(status="draft", starts=[NINE], now=EARLIER)
    with pytest.raises(NoShifts):
        check_publication(status="draft", starts=[], now=EARLIER)
    with pytest.raises(ShiftInThePast):
        check_publication(status="draft", starts=[NINE, EARLIER], now=EARLIER)
    with pytest.raises(ActivityNotDraft):
        check_publication(status="published", starts=[NINE], now=EARLIER)
    with pytest.raises(ActivityClosed):
        check_publication(status="closed", starts=[NINE], now=EARLIER)


def test_only_what_is_published_is_closed_and_what_is_closed_stays_as_it_is():
    check_closure(status="published")
    with pytest.raises(ActivityNotPublished):
        check_closure(status="draft")
    with pytest.raises(ActivityClosed):
        check_closure(status="closed")
    with pytest.raises(ActivityClosed):
        check_open_for_change(status="closed")
