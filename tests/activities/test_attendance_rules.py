"""Check-in, check-out and the minutes that follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.activities.model import (
    DEFAULTS,
    AlreadyCheckedIn,
    AlreadyConfirmed,
    Attendance,
    CheckInNotOpen,
    CheckOutClosed,
    NotCheckedIn,
    Pair,
    TooManyCheckIns,
    checked_in,
    checked_out,
    forgotten,
    lapsed,
    minutes_attended,
    minutes_served,
)
from tests.activities.making import NINE, shift


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def come(attendance: Attendance, minutes: float) -> Attendance:
    return checked_in(
        attendance=attendance, shift=shift(), by="ada", now=at(minutes), rules=DEFAULTS
    )


def go(attendance: Attendance, minutes: float) -> Attendance:
    return checked_out(attendance=attendance, by="ada", now=at(minutes))


def served(attendance: Attendance) -> int:
    return minutes_served(pairs=attendance.pairs, shift=shift(), rules=DEFAULTS)


@pytest.mark.parametrize("minutes", [-30, 0, 30])
def test_check_in_is_open_half_an_hour_around_the_start(minutes):
    assert come(Attendance(), minutes).present


@pytest.mark.parametrize("minutes", [-30.01, 30.01, 60])
def test_a_first_check_in_outside_of_that_is_refused(minutes):
    with pytest.raises(CheckInNotOpen):
        come(Attendance(), minutes)


def test_who_was_there_may_come_back_until_the_end_and_three_times_in_all():
    attendance = Attendance()
    for coming in (0, 40, 80):
        attendance = go(come(attendance, coming), coming + 30)

    assert served(attendance) == 90
    with pytest.raises(TooManyCheckIns):
        come(attendance, 115)
    with pytest.raises(CheckInNotOpen):
        come(go(come(Attendance(), 0), 10), 121)


def test_nobody_checks_in_twice_or_out_of_nothing():
    with pytest.raises(AlreadyCheckedIn):
        come(come(Attendance(), 0), 1)
    with pytest.raises(NotCheckedIn):
        go(Attendance(), 0)
    with pytest.raises(NotCheckedIn):
        go(go(come(Attendance(), 0), 100), 101)


def test_only_what_lies_inside_the_shift_counts_in_whole_minutes():
    assert served(go(come(Attendance(), -30), 150)) == 120
    assert served(go(come(Attendance(), 0), 100.99)) == 100
    assert served(go(come(Attendance(), -30), -1)) == 0


def test_less_than_the_minimum_share_is_worth_nothing_by_itself():
    assert served(go(come(Attendance(), 0), 72)) == 72
    assert served(go(come(Attendance(), 0), 71.99)) == 0


def test_the_check_out_may_be_half_an_hour_late_and_no_later():
    present = come(Attendance(), 0)

    assert served(go(present, 150)) == 120
    assert not lapsed(attendance=present, now=at(150))
    assert lapsed(attendance=present, now=at(150.01))
    with pytest.raises(CheckOutClosed):
        go(present, 150.01)


def test_a_forgotten_check_out_is_closed_for_the_leader_to_decide_within_seven_days():
    closed = forgotten(attendance=come(Attendance(), 0), rules=DEFAULTS)

    assert closed.forgotten
    assert not closed.present
    assert closed.decide_until == at(150) + timedelta(days=7)
    assert not lapsed(attendance=closed, now=at(10_000))
    with pytest.raises(CheckOutClosed):
        go(closed, 151)
    with pytest.raises(CheckInNotOpen):
        come(closed, 20)


def test_what_is_confirmed_is_over():
    with pytest.raises(AlreadyConfirmed):
        come(replace(go(come(Attendance(), 0), 10), record_id="record-1"), 20)


def test_a_clock_set_back_makes_no_minutes():
    assert served(go(come(Attendance(), 30), 20)) == 0


moments = st.lists(
    st.integers(min_value=-60, max_value=200), min_size=2, max_size=6, unique=True
).map(sorted)


@given(moments)
def test_the_minutes_of_pairs_are_what_they_cover_of_the_shift(times):
    edges = list(zip(times[::2], times[1::2], strict=False))
    pairs = [Pair(in_at=at(a), in_by="ada", out_at=at(b), out_by="ada") for a, b in edges]

    covered = sum(any(a <= minute < b for a, b in edges) for minute in range(120))

    s = shift()
    assert minutes_attended(pairs=pairs, starts_at=s.starts_at, ends_at=s.ends_at) == covered
    assert minutes_served(pairs=pairs, shift=s, rules=DEFAULTS) in {0, covered}
    assert bool(minutes_served(pairs=pairs, shift=s, rules=DEFAULTS)) == (covered >= 72)
