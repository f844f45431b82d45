"""Codes that live for half a minute."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.activities.model import CodeExpired, WrongCode, check_code, code_shown
from tests.activities.making import NINE

OLD, NEW = bytes(range(32)), bytes(range(32, 64))


def shown(*, after: float = 0, key: bytes = NEW, shift_id: str = "shift-1") -> str:
    return code_shown(
        shift_id=shift_id, now=NINE + timedelta(seconds=after), life_seconds=30, key=key
    )[0]


def check(code: str, *, after: float = 0, shift_id: str = "shift-1") -> None:
    check_code(
        code=code,
        shift_id=shift_id,
        now=NINE + timedelta(seconds=after),
        life_seconds=30,
        keys={"new": NEW, "old": OLD},
    )


@given(st.floats(min_value=0, max_value=1000), st.floats(min_value=0, max_value=100))
def test_a_code_lives_at_least_15_and_at_most_30_seconds_after_it_is_shown(when, later):
    code = shown(after=when)

    if later < 14.99:
        check(code, after=when + later)
    elif later > 30:
        with pytest.raises(CodeExpired):
            check(code, after=when + later)


def test_the_time_that_is_told_is_the_end_of_its_life():
    code, expires_at = code_shown(shift_id="shift-1", now=NINE, life_seconds=30, key=NEW)

    left = (expires_at - NINE).total_seconds()
    assert 15 < left <= 30
    check(code, after=left - 0.001)
    with pytest.raises(CodeExpired):
        check(code, after=left)


def test_a_code_of_another_shift_is_wrong():
    with pytest.raises(WrongCode):
        check(shown(shift_id="shift-2"))


def test_keys_rotate_and_codes_of_the_old_key_still_count():
    check(shown(key=OLD))
    with pytest.raises(WrongCode):
        check(shown(key=bytes(32)))


def test_a_code_from_the_future_is_no_code_of_now():
    with pytest.raises(CodeExpired):
        check(shown(after=60))


def test_typed_in_small_letters_it_still_counts():
    check(f" {shown().lower()} ")


@given(st.text(max_size=40))
def test_anything_else_is_wrong(text):
    with pytest.raises(WrongCode):
        check(text)


def test_a_code_with_one_other_sign_is_no_code():
    code = shown()
    for place, sign in enumerate(code):
        other = "7" if sign != "7" else "8"
        with pytest.raises(WrongCode):
            check(code[:place] + other + code[place + 1 :])
