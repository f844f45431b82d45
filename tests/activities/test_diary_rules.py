"""The person's diary of the day: no overlap, no second place, no more than a day holds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.activities.model import (
    DEFAULTS,
    AlreadySignedUp,
    AlreadyWithdrawn,
    Entry,
    OverlappingSignUp,
    SignUpClosed,
    TooManyHours,
    VolunteerNotActive,
    WithdrawalTooLate,
    check_sign_up,
    check_volunteer,
    check_withdrawal,
    days_of,
    entered,
    minutes_on,
    struck_out,
)
from shared.errors import NotThere, Refusal
from tests.activities.making import NINE, ZONE, entry, shift

DAY = date(2026, 11, 23)


def enter(standing: list[Entry], new: Entry) -> list[Entry]:
    """Return a person's diary of all days after one more sign-up."""
    days = days_of(starts_at=new.starts_at, ends_at=new.ends_at, zone=ZONE)
    diaries = {day: tuple(e for e in standing if day in own_days(e)) for day in days}
    after = entered(diaries=diaries, entry=new, rules=DEFAULTS, zone=ZONE)
    assert set(after) == set(days)
    return [*standing, new]


def own_days(e: Entry) -> tuple[date, ...]:
    return days_of(starts_at=e.starts_at, ends_at=e.ends_at, zone=ZONE)


def test_a_shift_that_touches_another_is_no_overlap():
    enter([entry("a")], entry("b", after_minutes=120))
    enter([entry("a")], entry("b", after_minutes=-60, minutes=60))


@pytest.mark.parametrize("after_minutes", [-119, -1, 1, 30, 119])
def test_a_shift_that_overlaps_another_of_mine_is_refused_and_names_it(after_minutes):
    with pytest.raises(OverlappingSignUp) as refusal:
        enter([entry("a")], entry("b", after_minutes=after_minutes))

    assert refusal.value.facts["sign_up_id"] == "sign-up-a"


def test_the_same_shift_is_signed_up_for_once():
    with pytest.raises(AlreadySignedUp):
        enter([entry("a")], entry("a"))


def test_eight_hours_are_a_day_and_a_minute_more_is_not():
    six = entry("a", minutes=360)
    enter([six], entry("b", after_minutes=360, minutes=120))
    with pytest.raises(TooManyHours) as refusal:
        enter([six], entry("b", after_minutes=360, minutes=121))
    assert refusal.value.facts["day"] == "2026-11-23"


def test_a_shift_over_midnight_counts_on_both_days_each_with_its_own_minutes():
    late = entry("a", after_minutes=13 * 60, minutes=240)  # 22:00 to 02:00

    assert own_days(late) == (date(2026, 11, 23), date(2026, 11, 24))
    assert [minutes_on(day=day, entries=[late], zone=ZONE) for day in own_days(late)] == [120, 120]
    enter([late], entry("b", minutes=360))
    with pytest.raises(TooManyHours):
        enter([late], entry("b", minutes=361))
    with pytest.raises(OverlappingSignUp):
        enter([late], entry("b", after_minutes=16 * 60, minutes=120))


def test_a_shift_that_ends_at_midnight_does_not_touch_the_next_day():
    until_midnight = entry("a", after_minutes=13 * 60, minutes=120)

    assert own_days(until_midnight) == (DAY,)


def test_a_day_of_another_length_is_counted_by_its_own_clock():
    new_york = ZoneInfo("America/New_York")
    starts_at = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)  # midnight; clocks go back at two
    whole_day = Entry(
        sign_up_id="a", shift_id="a", starts_at=starts_at, ends_at=starts_at + timedelta(hours=25)
    )

    assert days_of(starts_at=starts_at, ends_at=whole_day.ends_at, zone=new_york) == (
        date(2026, 11, 1),
    )
    assert minutes_on(day=date(2026, 11, 1), entries=[whole_day], zone=new_york) == 25 * 60


def test_striking_out_leaves_the_others():
    diaries = {DAY: (entry("a"), entry("b", after_minutes=120))}

    assert struck_out(diaries=diaries, sign_up_id="sign-up-a") == {
        DAY: (entry("b", after_minutes=120),)
    }


spans = st.tuples(
    st.integers(min_value=-3 * 1440, max_value=3 * 1440), st.integers(min_value=1, max_value=1440)
)


@given(st.lists(spans, max_size=12))
def test_whatever_is_asked_no_two_overlap_and_no_day_is_too_long(wishes):
    standing: list[Entry] = []
    for place, (after_minutes, minutes) in enumerate(wishes):
        new = entry(str(place), after_minutes=after_minutes, minutes=minutes)
        try:
            standing = enter(standing, new)
        except Refusal:
            continue

    standing.sort(key=lambda e: e.starts_at)
    for earlier, later in pairwise(standing):
        assert earlier.ends_at <= later.starts_at
    for day in {day for e in standing for day in own_days(e)}:
        assert minutes_on(day=day, entries=standing, zone=ZONE) <= DEFAULTS.day_minutes_max


@given(spans)
def test_the_minutes_of_a_shift_are_divided_among_its_days(span):
    new = entry("a", after_minutes=span[0], minutes=span[1])

    parts = [minutes_on(day=day, entries=[new], zone=ZONE) for day in own_days(new)]

    assert sum(parts) == span[1]
    assert all(parts)


def test_sign_up_closes_two_hours_before_the_start():
    last = NINE - timedelta(hours=2)
    check_sign_up(shift=shift(), now=last, rules=DEFAULTS)
    with pytest.raises(SignUpClosed):
        check_sign_up(shift=shift(), now=last + timedelta(milliseconds=1), rules=DEFAULTS)


def test_nobody_signs_up_for_what_is_closed_and_a_draft_is_not_there():
    early = NINE - timedelta(days=1)
    with pytest.raises(SignUpClosed):
        check_sign_up(shift=shift(status="closed"), now=early, rules=DEFAULTS)
    with pytest.raises(NotThere):
        check_sign_up(shift=shift(status="draft"), now=early, rules=DEFAULTS)


def test_one_withdraws_until_three_hours_before_the_start_and_once():
    def check(**changes: object) -> None:
        values = {
            "state": "standing",
            "attended": False,
            "starts_at": NINE,
            "now": NINE - timedelta(hours=3),
        }
        check_withdrawal(rules=DEFAULTS, **{**values, **changes})  # type: ignore[arg-type]

    check()
    with pytest.raises(WithdrawalTooLate):
        check(now=NINE - timedelta(hours=3) + timedelta(milliseconds=1))
    with pytest.raises(WithdrawalTooLate):
        check(attended=True)
    with pytest.raises(AlreadyWithdrawn):
        check(state="withdrawn")


def test_the_frozen_and_the_closed_are_refused_and_the_unheard_of_are_not():
    check_volunteer(status=None)
    check_volunteer(status="active")
    for status in ("frozen", "closed"):
        with pytest.raises(VolunteerNotActive):
            check_volunteer(status=status)
