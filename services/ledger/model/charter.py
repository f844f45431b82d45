"""What a book's first posting lays down: the district's name, its zone, and what service earns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class EarnRule:
    """What credit minutes earn from a day on; a step that was only begun earns nothing.

    Source: 1 verified hour = 1 point, counted in half hours rounded down per service record.
    """

    starts_on: str = "2000-01-01"
    step_minutes: int = 30
    step_hundredths: int = 50

    def earned(self, minutes: int) -> int:
        """Return the hundredths of a point that so many minutes of one record are worth."""
        return minutes // self.step_minutes * self.step_hundredths


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """The constitution of a book: replayed or not, every writer decides by it alike."""

    book: str
    name: str
    zone: str
    rules: tuple[EarnRule, ...]

    def rule_at(self, served_at: int) -> EarnRule | None:
        """Return the rule of the day of service in the district's zone; None before the first."""
        day = _local_day(served_at, self.zone)
        standing = [rule for rule in self.rules if rule.starts_on <= day]
        return max(standing, key=_starts_on) if standing else None

    def about(self) -> dict[str, Any]:
        """Return the charter as the genesis says it."""
        rules = [
            {
                "from": rule.starts_on,
                "step_minutes": rule.step_minutes,
                "step_hundredths": rule.step_hundredths,
            }
            for rule in sorted(self.rules, key=_starts_on)
        ]
        return {"name": self.name, "zone": self.zone, "rules": rules}


def charter_of(*, book: str, about: Mapping[str, Any]) -> Charter:
    """Return the charter that a genesis laid down."""
    rules: Sequence[Mapping[str, Any]] = about["rules"]
    return Charter(
        book=book,
        name=about["name"],
        zone=about["zone"],
        rules=tuple(
            EarnRule(
                starts_on=rule["from"],
                step_minutes=rule["step_minutes"],
                step_hundredths=rule["step_hundredths"],
            )
            for rule in rules
        ),
    )


def lot_of(*, at: int, zone: str) -> str:
    """Return the lot of what is posted at this moment: the month in which it expires.

    Source: points expire at the end of the next calendar year. Earned in 2026 → ``2027-12``.
    """
    return f"{int(_local_day(at, zone)[:4]) + 1:04d}-12"


def has_ended(lot: str, *, at: int, zone: str) -> bool:
    """Tell whether the lot's month is over."""
    return lot < _local_day(at, zone)[:7]


def _local_day(at: int, zone: str) -> str:
    # Every zone's day begins on a quarter of an hour of UTC, so a quarter has one day.
    return _local_day_of_quarter(at // 900_000, zone)


@lru_cache(maxsize=4096)
def _local_day_of_quarter(quarter: int, zone: str) -> str:
    moment = _EPOCH + timedelta(minutes=15 * quarter)
    return moment.astimezone(ZoneInfo(zone)).date().isoformat()


def _starts_on(rule: EarnRule) -> str:
    return rule.starts_on
