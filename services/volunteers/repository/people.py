"""People, their wrapped keys, and what became of their status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.volunteers import model
from services.volunteers.repository.source import Document, Source, by_ids, session_of
from shared import ids
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.sealing import WrappedKey


def add_person(work: UnitOfWork, person: model.Person, key: WrappedKey) -> None:
    """Keep a new person. The telephone and the number are unique: a duplicate runs again."""
    work.db.people.insert_one(
        {
            "_id": person.person_id,
            "number": person.number,
            "name": person.name,
            "phone": person.phone,
            "phone_hmac": person.phone_hmac,
            "region": person.region,
            "within": _within(person.region),
            "status": person.status.value,
            "version": person.version,
            "revision": person.revision,
            "roles_changed": 0,
            "registered_at": person.registered_at,
        },
        session=work.session,
    )
    work.db.person_keys.insert_one(
        {"_id": person.person_id, "key_id": key.key_id, "box": key.box}, session=work.session
    )


def person(source: Source, person_id: str) -> model.Person | None:
    """Return a person; None where there is none."""
    return _person(source.db.people.find_one({"_id": person_id}, session=session_of(source)))


def person_of_phone(source: Source, phone_hmac: str) -> model.Person | None:
    """Return whose telephone this is."""
    row = source.db.people.find_one({"phone_hmac": phone_hmac}, session=session_of(source))
    return _person(row)


def person_within(source: Source, person_id: str, *, scopes: Sequence[str]) -> model.Person | None:
    """Return a person whose region lies in one of these; someone else's is not there."""
    wanted = {"_id": person_id, "within": {"$in": list(scopes)}}
    return _person(source.db.people.find_one(wanted, session=session_of(source)))


def people_within(
    database: ServiceDatabase, *, scopes: Sequence[str], after: str | None, limit: int
) -> list[model.Person]:
    """Return people whose region lies in one of these, in the order in which they joined."""
    wanted: Document = {"within": {"$in": list(scopes)}}
    if after is not None:
        wanted["_id"] = {"$gt": after}
    rows = database.db.people.find(wanted).sort("_id").limit(limit)
    return [found for row in rows if (found := _person(row)) is not None]


def people(source: Source, person_ids: Sequence[str]) -> dict[str, model.Person]:
    """Return those of these people that are there, by their id."""
    rows = by_ids(source, "people", person_ids)
    return {name: found for name, row in rows.items() if (found := _person(row)) is not None}


def keys(source: Source, person_ids: Sequence[str]) -> dict[str, WrappedKey]:
    """Return the wrapped keys of these people; an erased person has none."""
    rows = by_ids(source, "person_keys", person_ids)
    return {
        name: WrappedKey(key_id=row["key_id"], box=bytes(row["box"])) for name, row in rows.items()
    }


def number_is_free(work: UnitOfWork, number: str) -> bool:
    """Tell whether nobody has this public number."""
    return work.db.people.find_one({"number": number}, session=work.session) is None


def save_profile(work: UnitOfWork, before: model.Person, after: model.Person) -> bool:
    """Change name and region where nobody changed the person meanwhile."""
    changed = work.db.people.update_one(
        {"_id": before.person_id, "revision": before.revision},
        {
            "$set": {
                "name": after.name,
                "region": after.region,
                "within": _within(after.region),
                "revision": before.revision + 1,
            }
        },
        session=work.session,
    )
    return changed.modified_count == 1


def move_status(
    work: UnitOfWork,
    before: model.Person,
    *,
    status: model.Status,
    reason: bytes,
    by: str,
    now: datetime,
) -> model.Person:
    """Change the status and count the event that tells it; return the person as it is then."""
    after = replace(before, status=status, version=before.version + 1, revision=before.revision + 1)
    # The person was read in this transaction: whoever writes it meanwhile makes this one run again.
    work.db.people.update_one(
        {"_id": before.person_id},
        {
            "$set": {
                "status": after.status.value,
                "version": after.version,
                "revision": after.revision,
            }
        },
        session=work.session,
    )
    work.db.status_changes.insert_one(
        {
            "_id": ids.new_id(),
            "person_id": before.person_id,
            "from": before.status.value,
            "to": status.value,
            "reason": reason,
            "by": by,
            "at": now,
        },
        session=work.session,
    )
    return after


def _within(region: str) -> list[str]:
    """Return every region that this one lies in, so that a look for any level is an equality."""
    return [region[:length] for length in (6, 9, 12) if length <= len(region)]


def _person(row: Document | None) -> model.Person | None:
    if row is None:
        return None
    return model.Person(
        person_id=row["_id"],
        number=row["number"],
        name=bytes(row["name"]),
        phone=bytes(row["phone"]),
        phone_hmac=row["phone_hmac"],
        region=row["region"],
        status=model.Status(row["status"]),
        version=row["version"],
        revision=row["revision"],
        registered_at=row["registered_at"],
    )
