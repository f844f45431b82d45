"""A district's rules for its shelf: set from a day on, decided by the time of the fact."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.store import model
from services.store.operations.shown import Shown
from shared.auth import Principal, Role
from shared.errors import NotAllowed
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.rules import list_rules, rule_at, set_rules


def rules(database: ServiceDatabase, *, district: str, now: datetime) -> Shown:
    """Return the rules that hold now, and all that the district ever set, oldest first."""
    return {
        "district": district,
        "now": asdict(rule_at(database, district, now, model.Rules())),
        "items": [_shown(row) for row in list_rules(database, district)],
        "next": None,
    }


def change_rules(
    work: UnitOfWork,
    *,
    who: Principal,
    district: str,
    starts_on: str,
    values: dict[str, int],
    now: datetime,
    zone: ZoneInfo,
) -> Shown:
    """Set rules of a district from today or a later day on; for its administrators."""
    if not who.may(Role.ADMIN, district):
        raise NotAllowed()
    row = set_rules(
        work,
        district=district,
        starts_on=starts_on,
        starts_at=model.start_of(starts_on, now=now, zone=zone),
        values=values,
        by=who.person_id,
    )
    return _shown(row)


def _shown(row: dict[str, Any]) -> Shown:
    return {
        "starts_on": row["starts_on"],
        "values": row["values"],
        "set_by": row["set_by"],
        "set_at": row["set_at"],
    }
