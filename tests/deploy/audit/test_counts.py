"""Invariants 7 and 8: counters, and one outcome of each request."""

from __future__ import annotations

import pytest

from tests.deploy.audit.breaking import (
    COUNTERS,
    ONCE,
    Audited,
    Break,
    Row,
    answer,
    assert_named,
    both,
    broken,
    broken_town,
    change,
    drop,
)
from tests.deploy.audit.hand_made_town import NOW

pytestmark = pytest.mark.servers


BROKEN: list[Row] = [
    ("a piece sold twice", change("store", "items", "i1", free=6), {COUNTERS}, "free 6"),
    (
        "a negative stock",
        change("store", "items", "i1", free=-1, received=1),
        {COUNTERS},
        "free -1",
    ),
    (
        "pieces reserved for nobody",
        change("store", "items", "i1", free=4, reserved=2),
        {COUNTERS},
        "reserved 2, ought 1",
    ),
    (
        "a month's counter that was not lowered",
        change("store", "limits", "ada:i1:2026-11", pieces=3),
        {COUNTERS},
        "counts 3",
    ),
    (
        "an over-booked shift",
        change("activities", "shifts", "s2", places=1),
        {COUNTERS},
        "2 taken of 1",
    ),
    (
        "a place that nobody has",
        change("activities", "shifts", "s1", taken=2),
        {COUNTERS},
        "2 places taken, 1",
    ),
    (
        "a diary without a sign-up that stands",
        lambda made: made.find("activities", "diaries", "ada:2026-11-21")["entries"].pop(),
        {COUNTERS},
        "diary ada:2026-11-21",
    ),
    (
        "two sign-ups at the same time",
        change(
            "activities", "shifts", "s2", starts_at=NOW.replace(year=2026, month=11, day=21, hour=1)
        ),
        {COUNTERS},
        "overlap",
    ),
    (
        "an activity with a shift that is not there",
        change("activities", "activities", "a1", shifts_count=3),
        {COUNTERS},
        "says 3 shifts, has 2",
    ),
    (
        "an import that lost a row",
        drop("activities", "import_rows", "im:3"),
        {COUNTERS},
        "rejected 1, ought 0",
    ),
    (
        "an import that ended before its last row",
        change("activities", "imports", "im", rows=3),
        {COUNTERS},
        "rows 3, ought 2",
    ),
    (
        "a tally that is not the sum of its rows",
        change("volunteers", "tallies", "ada", credit_minutes=161),
        {COUNTERS},
        "credit_minutes 161",
    ),
    (
        "an order without an answer",
        drop("store", "answers", "ada place-o2"),
        {ONCE},
        "order placed o2: 0 answers",
    ),
    (
        "two requests answered with one order",
        answer("store", "ada", "again", order_id="o2", state="PLACED", month="x"),
        {ONCE},
        "order placed o2: 2 answers",
    ),
    (
        "an answer whose effect is gone",
        answer("activities", "bob", "k", sign_up_id="gone", state="standing", attendance=None),
        {ONCE},
        "sign-up gone",
    ),
    (
        "another person's answer",
        both(
            drop("store", "answers", "ada place-o2"),
            answer("store", "bob", "place-o2", order_id="o2", state="PLACED", month="x"),
        ),
        {ONCE},
        "another person's key",
    ),
    (
        "an attendance confirmed twice",
        change("activities", "records", "r3", sign_up_id="s2-ada"),
        {ONCE},
        "confirmed twice",
    ),
]


@broken(*BROKEN)
def test_what_is_broken_is_named(
    audited: Audited, change: Break, names: set[str], words: str
) -> None:
    assert_named(audited(broken_town(change)), names, words)
