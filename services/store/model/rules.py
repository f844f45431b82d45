"""The store's rules of a district: defaults here, a district's own values by date in ``rules``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from shared.errors import Refusal


class RulesInThePast(Refusal):
    """Rules begin today or later: what has happened was decided by the rules of its time."""

    status = 422
    title = "规则不能早于今天生效 · Rules cannot begin before today"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a district decides about its shelf, for every item that says nothing of its own."""

    limit_a_month: int = 2
    """Pieces of one item that one person may order in a month."""
    voucher_days: int = 30
    """Days that a voucher is good for, beginning on the day after the order."""
    voucher_days_fresh: int = 7
    """The same for fresh goods."""


def start_of(starts_on: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment at which rules of that day begin; refuse a day before today."""
    day = datetime.fromisoformat(starts_on).date()
    if day < now.astimezone(zone).date():
        raise RulesInThePast()
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
