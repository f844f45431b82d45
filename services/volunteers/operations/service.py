"""Hours of service and stars, from what the activities tell."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.volunteers import model, repository
from services.volunteers.operations.shown import Shown, shown_minutes
from shared import regions
from shared.auth import Principal, Role
from shared.errors import Alarm, NotAllowed
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.rules import list_rules, rule_at, set_rules


def note_service(work: UnitOfWork, heard: model.ServiceMinutes, *, now: datetime) -> None:
    """Keep what a record counts for, where that is newer than what is kept, and sum anew."""
    kept = repository.minutes_of_record(work, heard.record_id)
    if kept is not None and kept.version >= heard.version:
        return
    if kept is not None and kept.volunteer_id != heard.volunteer_id:
        raise Alarm("record-of-another", heard.record_id, "a version names another person")
    repository.save_minutes(work, heard)
    rules = _rules(work, heard.volunteer_id, heard.district, now)
    rows = repository.minutes_by_kind(work, heard.volunteer_id)
    repository.save_tally(work, heard.volunteer_id, model.totals(rows, rules=rules))


def stars(database: ServiceDatabase, *, who: Principal, now: datetime) -> Shown:
    """Return a person's minutes and the stars that they make by today's rules."""
    tally = repository.tally(database, who.person_id)
    credit, honorary = (tally["credit_minutes"], tally["honorary_minutes"]) if tally else (0, 0)
    rules = _rules(database, who.person_id, "", now)
    return {
        "credit_minutes": credit,
        "honorary_minutes": honorary,
        "stars": model.stars(minutes=credit + honorary, rules=rules),
    }


def service_minutes(
    database: ServiceDatabase, *, who: Principal, before: str | None, limit: int
) -> list[Shown]:
    """Return a person's rows, the newest record first, one more than ``limit``."""
    rows = repository.rows_of_person(database, who.person_id, before=before, limit=limit + 1)
    return [shown_minutes(row) for row in rows]


def rules(database: ServiceDatabase, *, district: str, now: datetime) -> Shown:
    """Return the rules that hold now, and all that the district ever set, oldest first."""
    return {
        "district": district,
        "now": asdict(rule_at(database, district, now, model.Rules())),
        "items": [_shown_rules(row) for row in list_rules(database, district)],
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
    starts_at = model.start_of(starts_on, now=now, zone=zone)
    model.check_rising(replace(rule_at(work, district, starts_at, model.Rules()), **values))
    row = set_rules(
        work,
        district=district,
        starts_on=starts_on,
        starts_at=starts_at,
        values=values,
        by=who.person_id,
    )
    return _shown_rules(row)


def _rules(
    source: UnitOfWork | ServiceDatabase, volunteer_id: str, district: str, now: datetime
) -> model.Rules:
    """Return the rules of the district where the person lives; else of the one named."""
    person = repository.person(source, volunteer_id)
    home = regions.district_of(person.region) if person else district
    return rule_at(source, home, now, model.Rules())


def _shown_rules(row: dict[str, Any]) -> Shown:
    return {
        "starts_on": row["starts_on"],
        "values": row["values"],
        "set_by": row["set_by"],
        "set_at": row["set_at"],
    }
