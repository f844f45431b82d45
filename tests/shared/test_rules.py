"""A district's rules: defaults, overlaid by what the district set by the time of the fact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.errors import Refusal
from shared.mongo import ServiceDatabase
from shared.rules import RulesInThePast, rule_at, set_rules, start_of

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)  # noon in Shanghai


@dataclass(frozen=True, kw_only=True)
class Rules:
    pieces: int = 2
    days: int = 30


def check(rules: Rules) -> None:
    if rules.pieces > rules.days:
        raise Refusal("more pieces than days")


def test_a_day_begins_at_midnight_of_the_district_and_must_be_to_come() -> None:
    assert start_of("2026-11-23", now=NOW, zone=SHANGHAI) == datetime(2026, 11, 22, 16, tzinfo=UTC)
    late = datetime(2026, 11, 22, 16, tzinfo=UTC)  # the 23rd has begun
    for begun in ("2026-11-22", "2026-11-23"):
        with pytest.raises(RulesInThePast):
            start_of(begun, now=late, zone=SHANGHAI)


@pytest.mark.servers
def test_the_rule_of_the_time_of_the_fact_decides(database: ServiceDatabase) -> None:
    def put(starts_on: str, **values: int) -> None:
        database.unit_of_work(
            lambda work: set_rules(
                work,
                district="430211",
                starts_on=starts_on,
                values=values,
                defaults=Rules(),
                check=check,
                by="admin",
                now=NOW,
                zone=SHANGHAI,
            )
        )

    put("2026-12-01", pieces=5)
    put("2027-01-01", days=7)
    put("2026-12-01", pieces=6)  # the same day set again replaces it whole

    def at(day: datetime) -> Rules:
        return rule_at(database, "430211", day, Rules())

    december = datetime(2026, 11, 30, 16, tzinfo=UTC)
    assert at(december - timedelta(milliseconds=1)) == Rules()
    assert at(december) == Rules(pieces=6)
    assert at(december + timedelta(days=60)) == Rules(pieces=6, days=7)
    assert rule_at(database, "120112", december, Rules()) == Rules()

    with pytest.raises(Refusal, match="more pieces than days"):
        put("2027-02-01", pieces=8)  # together with the seven days that hold by then
