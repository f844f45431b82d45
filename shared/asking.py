"""When an open question is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

FIRST = timedelta(seconds=30)
LONGEST = timedelta(minutes=30)

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""The lower bound of a look for what is due: a range with both bounds uses its index."""


def asked_since(ask_at: datetime, asked: int) -> datetime:
    """Return when a question was asked first that was asked again so often, and is next then."""
    return ask_at - sum((next_ask(time) for time in range(asked + 1)), timedelta())


def next_ask(asked: int) -> timedelta:
    """Return how long to wait before asking again: 30 s, then 1, 2, 4 … minutes, ≤ 30 min."""
    return min(FIRST * (1 << min(asked, 10)), LONGEST)
