"""People: looking, changing, and what administrators do with a status."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.volunteers import model, repository
from services.volunteers.operations.roles import check_scope
from services.volunteers.operations.sealed import (
    NAME,
    PHONE,
    REASON,
    key_of,
    names,
    opened,
)
from services.volunteers.operations.shown import Shown, shown_person, shown_self
from services.volunteers.settings import VolunteersSettings
from shared import regions, sealing
from shared.auth import Principal, Role
from shared.errors import NotAllowed, NotThere
from shared.events.volunteers import VolunteerStatusChanged
from shared.mongo import ServiceDatabase, UnitOfWork


def me(database: ServiceDatabase, *, who: Principal, settings: VolunteersSettings) -> Shown:
    """Return what a person sees of oneself."""
    person = repository.person(database, who.person_id)
    if person is None:
        raise NotThere()
    return _self(database, person, settings)


def edit_profile(
    work: UnitOfWork,
    *,
    who: Principal,
    revision: int,
    name: str | None,
    region: str | None,
    settings: VolunteersSettings,
) -> Shown:
    """Change one's own name or region; moving changes no account and no book."""
    person = repository.person(work, who.person_id)
    if person is None:
        raise NotThere()
    if person.revision != revision:
        raise model.ChangedMeanwhile()
    after = person
    if name is not None:
        key = key_of(work, settings, person.person_id)
        box = sealing.seal(key, name, about=person.person_id, field=NAME)
        after = replace(after, name=box)
    if region is not None:
        if repository.region(work, region) is None:
            raise model.UnknownRegion()
        after = replace(after, region=region)
    after = replace(after, revision=person.revision + 1)
    if not repository.save_profile(work, person, after):
        raise model.ChangedMeanwhile()
    return _self(work, after, settings)


def person(
    database: ServiceDatabase, *, who: Principal, person_id: str, settings: VolunteersSettings
) -> Shown:
    """Return a person of one's scope; others are not there."""
    found = repository.person_within(database, person_id, scopes=_scopes(who))
    if found is None:
        raise NotThere()
    return shown_person(found, names(database, settings, [found])[person_id])


def people(
    database: ServiceDatabase,
    *,
    who: Principal,
    region: str | None,
    after: str | None,
    limit: int,
    settings: VolunteersSettings,
) -> list[Shown]:
    """Return people of one's scope, or of a region in it, one more than ``limit``."""
    scopes = _scopes(who)
    if region is not None:
        scopes = (
            [region]
            if any(regions.within(region, scope) for scope in scopes)
            else [scope for scope in scopes if regions.within(scope, region)]
        )
        if not scopes:
            raise NotAllowed()
    found = repository.people_within(database, scopes=scopes, after=after, limit=limit + 1)
    known = names(database, settings, found)
    return [shown_person(one, known[one.person_id]) for one in found]


def roster_names(
    database: ServiceDatabase,
    *,
    who: Principal,
    person_ids: list[str],
    settings: VolunteersSettings,
) -> list[Shown]:
    """Return numbers, and the names of those who live in the asker's districts, for a roster.

    A roster has people of other communities too, so the district is the scope here. Whoever is
    not there is left out.
    """
    found = list(repository.people(database, person_ids).values())
    districts = {regions.district_of(scope) for scope in _scopes(who)}
    near = [one for one in found if regions.district_of(one.region) in districts]
    known = names(database, settings, near)
    return [
        {
            "volunteer_id": one.person_id,
            "number": one.number,
            "name": known.get(one.person_id),
        }
        for one in found
    ]


def change_status(
    work: UnitOfWork,
    *,
    who: Principal,
    person_id: str,
    status: str,
    reason: str,
    settings: VolunteersSettings,
    now: datetime,
) -> Shown:
    """Freeze, free or close a person of one's scope, and tell it; closed is for ever."""
    found = repository.person_within(work, person_id, scopes=who.regions(Role.ADMIN))
    if found is None:
        raise NotThere()
    check_scope(work, who=who, region=found.region)
    wanted = model.next_status(found, model.Status(status))
    if wanted is None:
        return _changed(found)
    key = key_of(work, settings, person_id)
    after = repository.move_status(
        work,
        found,
        status=wanted,
        reason=sealing.seal(key, reason, about=person_id, field=REASON),
        by=who.person_id,
        now=now,
    )
    work.tell(
        VolunteerStatusChanged(
            volunteer_id=after.person_id,
            version=after.version,
            number=after.number,
            region=after.region,
            status=after.status.value,
            at=now,
        )
    )
    return _changed(after)


def _changed(person: model.Person) -> Shown:
    # Kept as an answer, so without the name.
    return {
        "volunteer_id": person.person_id,
        "status": person.status.value,
        "version": person.version,
    }


def _self(
    source: UnitOfWork | ServiceDatabase, person: model.Person, settings: VolunteersSettings
) -> Shown:
    key = key_of(source, settings, person.person_id)
    return shown_self(
        person,
        name=opened(key, person.name, person_id=person.person_id, field=NAME),
        phone=opened(key, person.phone, person_id=person.person_id, field=PHONE),
        grants=repository.standing_grants(source, person.person_id),
    )


def _scopes(who: Principal) -> list[str]:
    return [*who.regions(Role.ADMIN), *who.regions(Role.ORGANISER)]
