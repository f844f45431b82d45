"""Opening what is sealed: names and telephones of people, with their own keys."""

from __future__ import annotations

from collections.abc import Sequence

from services.volunteers import model, repository
from services.volunteers.settings import VolunteersSettings
from shared import sealing
from shared.mongo import ServiceDatabase, UnitOfWork

PHONE, NAME, REASON = "phone", "name", "reason"


def phone_hmac(settings: VolunteersSettings, phone: str) -> str:
    """Return what a telephone is found by; nobody without the key can go from one to the other."""
    return sealing.fingerprint(settings.phone_key, PHONE, phone).hex()


def key_of(
    source: UnitOfWork | ServiceDatabase, settings: VolunteersSettings, person_id: str
) -> bytes:
    """Return a person's own key; raise :class:`sealing.Unsealable` for an erased person."""
    wrapped = repository.keys(source, [person_id]).get(person_id)
    if wrapped is None:
        raise sealing.Unsealable(f"no key of {person_id}")
    return sealing.unwrap(settings.person_keys, wrapped, about=person_id)


def opened(key: bytes, box: bytes, *, person_id: str, field: str) -> str:
    """Return the text in a person's box."""
    return sealing.unseal(key, box, about=person_id, field=field)


def names(
    source: UnitOfWork | ServiceDatabase,
    settings: VolunteersSettings,
    people: Sequence[model.Person],
) -> dict[str, str | None]:
    """Return the names of these people by their id; None for one that was erased."""
    wrapped = repository.keys(source, [person.person_id for person in people])
    found: dict[str, str | None] = {}
    for person in people:
        name = person.person_id
        if name not in wrapped:
            found[name] = None
            continue
        key = sealing.unwrap(settings.person_keys, wrapped[name], about=name)
        found[name] = opened(key, person.name, person_id=name, field=NAME)
    return found
