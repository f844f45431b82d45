"""Small named makers of values, in the words of the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.activities.model import Entry, Shift

ZONE = ZoneInfo("Asia/Shanghai")
NINE = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Nine in the morning of Monday, 23 November 2026, in the district."""


def shift(**changes: Any) -> Shift:
    """Return a published shift of two hours from nine, with ten places."""
    values: dict[str, Any] = {
        "shift_id": "shift-1",
        "activity_id": "activity-1",
        "district": "430211",
        "region": "430211001001",
        "starts_at": NINE,
        "ends_at": NINE + timedelta(hours=2),
        "places": 10,
        "taken": 0,
        "status": "published",
    }
    return Shift(**{**values, **changes})


def entry(name: str, *, after_minutes: int = 0, minutes: int = 120) -> Entry:
    """Return a diary's entry that starts so long after nine."""
    starts_at = NINE + timedelta(minutes=after_minutes)
    return Entry(
        sign_up_id=f"sign-up-{name}",
        shift_id=f"shift-{name}",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
    )
