"""Joining: a confirmed telephone becomes a person with a public number."""

from __future__ import annotations

import secrets
from datetime import datetime

from services.volunteers import model, repository
from services.volunteers.operations import sign_ins
from services.volunteers.operations.confirmations import use_code
from services.volunteers.operations.sealed import NAME, PHONE, phone_hmac
from services.volunteers.operations.shown import Shown
from services.volunteers.settings import VolunteersSettings
from shared import ids, regions, sealing
from shared.events.volunteers import VolunteerRegistered
from shared.mongo import UnitOfWork

NUMBER_TRIES_MAX = 10


def register(
    work: UnitOfWork,
    *,
    confirmation_id: str,
    phone: str,
    code: str,
    name: str,
    region: str,
    settings: VolunteersSettings,
    now: datetime,
    real_now: datetime,
) -> Shown:
    """Make a person of a confirmed telephone, and sign in; refuse one that is registered."""
    use_code(
        work,
        confirmation_id=confirmation_id,
        phone=phone,
        code=code,
        settings=settings,
        real_now=real_now,
    )
    if repository.person_of_phone(work, phone_hmac(settings, phone)) is not None:
        raise model.PhoneAlreadyRegistered()
    person = enrol(work, phone=phone, name=name, region=region, settings=settings, now=now)
    return sign_ins.begin(work, person, settings=settings, real_now=real_now)


def enrol(
    work: UnitOfWork,
    *,
    phone: str,
    name: str,
    region: str,
    settings: VolunteersSettings,
    now: datetime,
) -> model.Person:
    """Keep a new person and tell it; refuse a region that is not there."""
    if repository.region(work, region) is None:
        raise model.UnknownRegion()
    person_id = ids.new_id()
    key, wrapped = sealing.new_key(settings.person_keys, about=person_id)
    person = model.Person(
        person_id=person_id,
        number=_free_number(work, regions.district_of(region)),
        name=sealing.seal(key, name, about=person_id, field=NAME),
        phone=sealing.seal(key, phone, about=person_id, field=PHONE),
        phone_hmac=phone_hmac(settings, phone),
        region=region,
        status=model.Status.ACTIVE,
        version=1,
        revision=1,
        registered_at=now,
    )
    repository.add_person(work, person, wrapped)
    work.tell(
        VolunteerRegistered(
            volunteer_id=person.person_id,
            version=person.version,
            number=person.number,
            region=person.region,
            status=person.status.value,
            at=now,
        )
    )
    return person


def _free_number(work: UnitOfWork, district: str) -> str:
    for _ in range(NUMBER_TRIES_MAX):
        digits = f"{secrets.randbelow(10**model.NUMBER_DIGITS):0{model.NUMBER_DIGITS}}"
        number = model.public_number(district=district, digits=digits)
        if repository.number_is_free(work, number):
            return number
    raise model.NumbersExhausted()
