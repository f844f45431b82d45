"""Hours of service and stars, from what the activities tell."""

from __future__ import annotations

from datetime import datetime

from services.volunteers import model, repository
from services.volunteers.operations.shown import Shown, shown_minutes
from shared import regions
from shared.auth import Principal
from shared.errors import Alarm
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.rules import rule_at


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


def _rules(
    source: UnitOfWork | ServiceDatabase, volunteer_id: str, district: str, now: datetime
) -> model.Rules:
    """Return the rules of the district where the person lives; else of the one named."""
    person = repository.person(source, volunteer_id)
    home = regions.district_of(person.region) if person else district
    return rule_at(source, home, now, model.Rules())
