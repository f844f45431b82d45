"""Hours of service and stars: sums over one row per record, each replaced whole by newer versions.

Every transaction that changes a person's rows writes the person's tally, so two cannot each sum
without the other's row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import Refusal

CREDIT, HONORARY = "credit", "honorary"
STARS_MAX = 5


class StarsNotRising(Refusal):
    """Each star wants more hours than the one before."""

    status = 422
    title = "星级小时数须逐级增加 · Each star wants more hours than the one before"


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a district decides about stars: the hours from which on a person has one to five."""

    star_1_hours: int = 100
    star_2_hours: int = 300
    star_3_hours: int = 600
    star_4_hours: int = 1_000
    star_5_hours: int = 1_500

    @property
    def hours(self) -> tuple[int, ...]:
        """Return the five thresholds, rising."""
        return (
            self.star_1_hours,
            self.star_2_hours,
            self.star_3_hours,
            self.star_4_hours,
            self.star_5_hours,
        )


@dataclass(frozen=True, kw_only=True)
class ServiceMinutes:
    """What one service record counts for, by its newest version heard of."""

    record_id: str
    volunteer_id: str
    version: int
    kind: str
    minutes: int
    served_at: datetime
    district: str


@dataclass(frozen=True, kw_only=True)
class Totals:
    """A person's minutes and the stars that they make."""

    credit_minutes: int
    honorary_minutes: int
    stars: int


def totals(rows: Iterable[tuple[str, int]], *, rules: Rules) -> Totals:
    """Return the sums of the rows' minutes by kind; both kinds count for stars."""
    credit = honorary = 0
    for kind, minutes in rows:
        if kind == CREDIT:
            credit += minutes
        else:
            honorary += minutes
    return Totals(
        credit_minutes=credit,
        honorary_minutes=honorary,
        stars=stars(minutes=credit + honorary, rules=rules),
    )


def stars(*, minutes: int, rules: Rules) -> int:
    """Return how many thresholds have been reached, 0 to 5. Spending does not come into it.

    Source: product.md, 100 / 300 / 600 / 1,000 / 1,500 h → 1–5 (district rule ``star_<n>_hours``).
    """
    return sum(minutes >= hours * 60 for hours in rules.hours)


def check_rising(rules: Rules) -> None:
    """Refuse thresholds of which one is not above the one before."""
    if any(later <= earlier for earlier, later in zip(rules.hours, rules.hours[1:], strict=False)):
        raise StarsNotRising()
