"""Rules of a district: settings with a day from which they hold, never constants in code.

A service's model has a frozen dataclass of rules whose defaults are the product's. What a district
changes is kept as rows ``{district, starts_on, values}``; the rule of the time of the fact decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from shared import clock
from shared.errors import Refusal

if TYPE_CHECKING:
    from shared.mongo import Document, ServiceDatabase, UnitOfWork

Rules = TypeVar("Rules")


class RulesInThePast(Refusal):
    """Rules change from a day to come: what happened keeps the rules of its time."""

    status = 422
    title = "规则只能从将来的日期起变更 · Rules change from a day to come"


def rule_at(
    source: ServiceDatabase | UnitOfWork, district: str, at: datetime, defaults: Rules
) -> Rules:
    """Return the district's rules at a moment: the defaults, overlaid by what held by then."""
    rows = source.db.rules.find({"district": district}, session=getattr(source, "session", None))
    names = {field.name for field in fields(defaults)}  # type: ignore[arg-type]
    rules = defaults
    for row in sorted(rows, key=lambda row: row["starts_at"]):
        if row["starts_at"] <= at:
            known = {name: value for name, value in row["values"].items() if name in names}
            rules = replace(rules, **known)  # type: ignore[type-var]
    return rules


def set_rules(
    work: UnitOfWork,
    *,
    district: str,
    starts_on: str,
    values: dict[str, Any],
    defaults: Rules,
    check: Callable[[Rules], None],
    by: str,
    now: datetime,
    zone: ZoneInfo,
) -> Document:
    """Keep what a district changes from a day to come on; the same day set again replaces it.

    ``check`` refuses what the rules of that day must not be together.
    """
    starts_at = start_of(starts_on, now=now, zone=zone)
    check(replace(rule_at(work, district, starts_at, defaults), **values))  # type: ignore[type-var]
    row = {
        "_id": f"{district}:{starts_on}",
        "district": district,
        "starts_on": starts_on,
        "starts_at": starts_at,
        "values": values,
        "set_by": by,
        "set_at": now,
    }
    work.db.rules.replace_one({"_id": row["_id"]}, row, upsert=True, session=work.session)
    return _shown(row)


def show_rules(database: ServiceDatabase, *, district: str, defaults: Any) -> Document:
    """Return the rules that hold now, and all that the district ever set, oldest first."""
    rows = sorted(
        database.db.rules.find({"district": district}, limit=1000),
        key=lambda row: row["starts_on"],
    )
    return {
        "district": district,
        "now": asdict(rule_at(database, district, clock.now(), defaults)),
        "items": [_shown(row) for row in rows],
        "next": None,
    }


def start_of(starts_on: str, *, now: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day of the district's zone begins; refuse one that has begun."""
    starts_at = datetime.combine(date.fromisoformat(starts_on), time.min, tzinfo=zone)
    if starts_at <= now:
        raise RulesInThePast
    return starts_at.astimezone(UTC)


def _shown(row: Document) -> Document:
    return {name: row[name] for name in ("starts_on", "values", "set_by", "set_at")}
