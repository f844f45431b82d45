"""A district's rules: what holds now, what was changed, and a change from a day to come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.activities.model import DEFAULTS, start_of
from services.activities.operations.views import View
from shared.auth import Principal, Role
from shared.errors import NotAllowed
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.rules import list_rules, rule_at, set_rules


def rules_of(database: ServiceDatabase, *, district: str, now: datetime) -> View:
    """Return a district's rules of now, and all that it ever changed."""
    changes = list_rules(database, district)
    return {
        "district": district,
        "now": asdict(rule_at(database, district, now, DEFAULTS)),
        "items": [
            {"starts_on": row["starts_on"], "values": row["values"], "set_at": row["set_at"]}
            for row in changes
        ],
        "next": None,
    }


def change_rules(
    work: UnitOfWork,
    *,
    district: str,
    who: Principal,
    starts_on: str,
    values: Mapping[str, Any],
    now: datetime,
    zone: ZoneInfo,
) -> View:
    """Return what holds from a day on; only an administrator of the whole district changes it.

    Refuses a day that has begun: what happened is judged by the rules of its time.
    """
    if not who.may(Role.ADMIN, district):
        raise NotAllowed
    starts_at = start_of(starts_on=date.fromisoformat(starts_on), now=now, zone=zone)
    row = set_rules(
        work,
        district=district,
        starts_on=starts_on,
        starts_at=starts_at,
        values=dict(values),
        by=who.person_id,
    )
    return {"starts_on": row["starts_on"], "values": row["values"], "set_at": row["set_at"]}
