"""Rules of a district: settings with a day from which they hold, never constants in code.

A service's model has a frozen dataclass of rules whose defaults are the product's. What a district
changes is kept as rows ``{district, starts_on, values}``; the rule of the time of the fact decides.
"""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from shared import clock

if TYPE_CHECKING:
    from shared.mongo import ServiceDatabase, UnitOfWork

Rules = TypeVar("Rules")


def rule_at(
    source: ServiceDatabase | UnitOfWork, district: str, at: datetime, defaults: Rules
) -> Rules:
    """Return the district's rules at a moment: the defaults, overlaid by what held by then.

    ``starts_on`` is a day of the district's zone, kept with the moment at which it begins.
    """
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
    starts_at: datetime,
    values: dict[str, Any],
    by: str,
) -> dict[str, Any]:
    """Keep what a district changes from a day on; the same day set again replaces it whole."""
    row = {
        "_id": f"{district}:{starts_on}",
        "district": district,
        "starts_on": starts_on,
        "starts_at": starts_at,
        "values": values,
        "set_by": by,
        "set_at": clock.now(),
    }
    work.db.rules.replace_one({"_id": row["_id"]}, row, upsert=True, session=work.session)
    return row


def list_rules(database: ServiceDatabase, district: str) -> list[dict[str, Any]]:
    """Return all that a district ever changed, oldest first."""
    rows = database.db.rules.find({"district": district}, limit=1000)
    return sorted(rows, key=lambda row: row["starts_on"])
