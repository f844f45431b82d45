"""What an attendance is worth, who may say so, and which posting banks it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from services.activities.model import (
    DEFAULTS,
    AlreadyConfirmed,
    Attendance,
    DecisionTooLate,
    MinutesAreComputed,
    MoreThanAttended,
    MoreThanTheShift,
    NotAttended,
    OwnService,
    Pair,
    Record,
    StillPresent,
    TooManyCorrections,
    check_correction,
    forgotten,
    is_banked_by,
    minutes_confirmed,
)
from shared.errors import Alarm
from tests.activities.making import NINE, shift

LATER = NINE + timedelta(days=1)


def attended(minutes: int, *, after_minutes: int = 0) -> Attendance:
    in_at = NINE + timedelta(minutes=after_minutes)
    pair = Pair(in_at=in_at, in_by="ada", out_at=in_at + timedelta(minutes=minutes), out_by="ada")
    return Attendance(pairs=(pair,))


def unfinished(after_minutes: int = 0) -> Attendance:
    pair = Pair(in_at=NINE + timedelta(minutes=after_minutes), in_by="ada")
    return Attendance(pairs=(pair,), closes_at=NINE + timedelta(minutes=150))


def confirm(attendance: Attendance | None, **changes: object) -> int:
    values: dict[str, object] = {
        "volunteer_id": "ada",
        "by": "leader",
        "decided_minutes": None,
        "now": LATER,
    }
    return minutes_confirmed(
        attendance=attendance,
        shift=shift(),
        rules=DEFAULTS,
        **{**values, **changes},  # type: ignore[arg-type]
    )


def test_minutes_are_the_servers():
    assert confirm(attended(100)) == 100
    with pytest.raises(MinutesAreComputed):
        confirm(attended(100), decided_minutes=110)


def test_nobody_confirms_their_own_service():
    with pytest.raises(OwnService):
        confirm(attended(100), by="ada")


def test_what_was_not_attended_not_ended_or_confirmed_before_is_refused():
    with pytest.raises(NotAttended):
        confirm(None)
    with pytest.raises(StillPresent):
        confirm(unfinished())
    with pytest.raises(AlreadyConfirmed):
        confirm(replace(attended(100), record_id="record-1"))


def test_below_the_minimum_share_the_leader_decides_up_to_what_was_attended():
    assert confirm(attended(60)) == 0
    assert confirm(attended(60), decided_minutes=60) == 60
    assert confirm(attended(60), decided_minutes=0) == 0
    with pytest.raises(MoreThanAttended):
        confirm(attended(60), decided_minutes=61)


def test_a_forgotten_check_out_is_worth_0_until_the_leader_decides_in_time():
    left_open = forgotten(attendance=unfinished(after_minutes=20), rules=DEFAULTS)

    assert confirm(left_open) == 0
    assert confirm(left_open, decided_minutes=100) == 100
    with pytest.raises(MoreThanAttended):
        confirm(left_open, decided_minutes=101)
    with pytest.raises(DecisionTooLate):
        confirm(left_open, decided_minutes=100, now=NINE + timedelta(days=7, minutes=151))


def record(**changes: object) -> Record:
    values: dict[str, object] = {
        "record_id": "record-1",
        "volunteer_id": "ada",
        "version": 2,
        "minutes": 100,
        "shift_minutes": 120,
        "state": "CONFIRMED",
        "posted_n": None,
    }
    return Record(**{**values, **changes})  # type: ignore[arg-type]


def test_a_correction_stays_within_the_shift_and_is_anothers_to_make():
    check_correction(record=record(), minutes=0, by="leader")
    check_correction(record=record(), minutes=120, by="leader")
    with pytest.raises(MoreThanTheShift):
        check_correction(record=record(), minutes=121, by="leader")
    with pytest.raises(OwnService):
        check_correction(record=record(), minutes=100, by="ada")


def test_a_record_has_fifty_versions():
    check_correction(record=record(version=49), minutes=0, by="leader")
    with pytest.raises(TooManyCorrections):
        check_correction(record=record(version=50), minutes=0, by="leader")


@pytest.mark.parametrize(
    ("state", "posted_n", "version", "n"),
    list(product(["CONFIRMED", "BANKED"], [None, 7], [1, 2, 3], [7, 8])),
)
def test_a_record_is_banked_by_its_own_newest_version_alone(state, posted_n, version, n):
    known = record(state=state, posted_n=posted_n)
    told_twice = state == "BANKED" and posted_n == n

    if version == 3 or (version == 2 and state == "BANKED" and not told_twice):
        with pytest.raises(Alarm):
            is_banked_by(record=known, version=version, n=n)
    else:
        banks = is_banked_by(record=known, version=version, n=n)
        assert banks == (version == 2 and state == "CONFIRMED")
