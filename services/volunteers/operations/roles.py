"""Roles: granted and revoked by administrators within what they administer now."""

from __future__ import annotations

from datetime import datetime

from services.volunteers import model, repository
from services.volunteers.operations.shown import Shown, shown_grant
from shared import ids, regions
from shared.auth import Principal, Role
from shared.errors import NotAllowed, NotThere
from shared.mongo import ServiceDatabase, UnitOfWork


def grant_role(
    work: UnitOfWork, *, who: Principal, person_id: str, role: str, region: str, now: datetime
) -> Shown:
    """Let a person act in a role within a region that lies in the asker's own scope."""
    if not who.may(Role.ADMIN, region):
        raise NotAllowed()
    check_scope(work, who=who, region=region)
    if repository.region(work, region) is None:
        raise model.UnknownRegion()
    person = repository.person(work, person_id)
    if person is None:
        raise NotThere()
    model.check_may_sign_in(person.status)
    return shown_grant(
        give_role(work, person_id=person_id, role=role, region=region, by=who.person_id, now=now)
    )


def give_role(
    work: UnitOfWork, *, person_id: str, role: str, region: str, by: str, now: datetime
) -> model.RoleGrant:
    """Keep a grant; refuse the same one a second time."""
    repository.note_roles_changing(work, person_id)
    standing = repository.standing_grants(work, person_id)
    if any(grant.role == role and grant.region == region for grant in standing):
        raise model.AlreadyGranted()
    grant = model.RoleGrant(
        grant_id=ids.new_id(),
        person_id=person_id,
        role=role,
        region=region,
        granted_by=by,
        granted_at=now,
        revoked_by=None,
        revoked_at=None,
    )
    repository.add_grant(work, grant)
    return grant


def revoke_role(work: UnitOfWork, *, who: Principal, grant_id: str, now: datetime) -> Shown:
    """Take a role away within the asker's scope; tokens that carry it end within their life."""
    found = repository.grant(work, grant_id)
    if found is None or not who.may(Role.ADMIN, found.region):
        raise NotThere()
    check_scope(work, who=who, region=found.region)
    repository.note_roles_changing(work, found.person_id)
    if not repository.revoke(work, grant_id, by=who.person_id, now=now):
        raise model.AlreadyRevoked()
    after = repository.grant(work, grant_id)
    if after is None:
        raise NotThere()
    return shown_grant(after)


def roles(database: ServiceDatabase, *, who: Principal, person_id: str) -> list[Shown]:
    """Return what a person was ever granted within the asker's scope."""
    if repository.person(database, person_id) is None:
        raise NotThere()
    scopes = who.regions(Role.ADMIN)
    return [
        shown_grant(grant)
        for grant in repository.grants(database, person_id)
        if any(regions.within(grant.region, scope) for scope in scopes)
    ]


def check_scope(work: UnitOfWork, *, who: Principal, region: str) -> None:
    """Refuse who does not administer this region now, whatever the token says."""
    person = repository.person(work, who.person_id)
    if person is None or person.status is not model.Status.ACTIVE:
        raise NotAllowed()
    model.check_scope(repository.standing_grants(work, who.person_id), region=region)
