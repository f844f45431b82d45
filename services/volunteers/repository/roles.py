"""Roles that were granted, and those that were revoked, for ever."""

from __future__ import annotations

from datetime import datetime

from services.volunteers import model
from services.volunteers.repository.source import Document, Source, session_of
from shared.mongo import UnitOfWork


def note_roles_changing(work: UnitOfWork, person_id: str) -> bool:
    """Write the person's document: two changes of one person's roles cannot pass each other.

    False where there is no such person.
    """
    noted = work.db.people.update_one(
        {"_id": person_id}, {"$inc": {"roles_changed": 1}}, session=work.session
    )
    return noted.modified_count == 1


def add_grant(work: UnitOfWork, grant: model.RoleGrant) -> None:
    """Keep a new grant."""
    work.db.grants.insert_one(
        {
            "_id": grant.grant_id,
            "person_id": grant.person_id,
            "role": grant.role,
            "region": grant.region,
            "granted_by": grant.granted_by,
            "granted_at": grant.granted_at,
            "revoked_by": grant.revoked_by,
            "revoked_at": grant.revoked_at,
        },
        session=work.session,
    )


def grant(work: UnitOfWork, grant_id: str) -> model.RoleGrant | None:
    """Return a grant; None where there is none."""
    row = work.db.grants.find_one({"_id": grant_id}, session=work.session)
    return _grant(row) if row else None


def grants(source: Source, person_id: str) -> list[model.RoleGrant]:
    """Return all that were ever granted to a person, oldest first."""
    rows = source.db.grants.find({"person_id": person_id}, session=session_of(source))
    return sorted((_grant(row) for row in rows), key=lambda grant: grant.grant_id)


def standing_grants(source: Source, person_id: str) -> list[model.RoleGrant]:
    """Return those that the person has now."""
    return [grant for grant in grants(source, person_id) if grant.revoked_at is None]


def revoke(work: UnitOfWork, grant_id: str, *, by: str, now: datetime) -> bool:
    """Take a role away; False where it was taken away before."""
    revoked = work.db.grants.update_one(
        {"_id": grant_id, "revoked_at": None},
        {"$set": {"revoked_at": now, "revoked_by": by}},
        session=work.session,
    )
    return revoked.modified_count == 1


def _grant(row: Document) -> model.RoleGrant:
    return model.RoleGrant(
        grant_id=row["_id"],
        person_id=row["person_id"],
        role=row["role"],
        region=row["region"],
        granted_by=row["granted_by"],
        granted_at=row["granted_at"],
        revoked_by=row["revoked_by"],
        revoked_at=row["revoked_at"],
    )
