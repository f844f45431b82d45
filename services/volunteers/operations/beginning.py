"""What ``deploy.bootstrap`` does here: regions, and the first administrator of a district."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from services.volunteers import model, repository
from services.volunteers.operations.joining import enrol
from services.volunteers.operations.roles import give_role
from services.volunteers.operations.sealed import phone_hmac
from services.volunteers.settings import VolunteersSettings
from shared.auth import Role
from shared.mongo import ServiceDatabase, UnitOfWork

BY = "bootstrap"


def load_regions(database: ServiceDatabase, rows: Iterable[Mapping[str, str]]) -> int:
    """Keep these regions as they are told now; return how many changed."""
    return repository.load_regions(database, rows)


def appoint_first_administrator(
    work: UnitOfWork,
    *,
    district: str,
    phone: str,
    name: str,
    settings: VolunteersSettings,
    now: datetime,
) -> tuple[str, bool]:
    """Make the person of this telephone administrator of the district, an ordinary one otherwise.

    Returns the person's id, and whether anything changed: run again, nothing does.
    """
    person = repository.person_of_phone(work, phone_hmac(settings, phone))
    if person is None:
        person = enrol(work, phone=phone, name=name, region=district, settings=settings, now=now)
    model.check_may_sign_in(person.status)
    standing = repository.standing_grants(work, person.person_id)
    if any(grant.role == Role.ADMIN and grant.region == district for grant in standing):
        return person.person_id, False
    give_role(work, person_id=person.person_id, role=Role.ADMIN, region=district, by=BY, now=now)
    return person.person_id, True
