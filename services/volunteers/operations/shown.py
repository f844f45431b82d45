"""What is shown of people, roles and regions: plain values, chosen field by field."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from services.volunteers import model

Shown = dict[str, Any]


def shown_person(person: model.Person, name: str | None) -> Shown:
    """Return what organisers and administrators of the region see."""
    return {
        "volunteer_id": person.person_id,
        "number": person.number,
        "name": name,
        "region": person.region,
        "status": person.status.value,
        "registered_at": person.registered_at,
    }


def shown_self(
    person: model.Person, *, name: str, phone: str, grants: Iterable[model.RoleGrant]
) -> Shown:
    """Return what a person sees of oneself."""
    return shown_person(person, name) | {
        "phone": model.masked_phone(phone),
        "roles": [{"role": grant.role, "region": grant.region} for grant in grants],
        "revision": person.revision,
    }


def shown_grant(grant: model.RoleGrant) -> Shown:
    """Return a grant."""
    return {
        "grant_id": grant.grant_id,
        "volunteer_id": grant.person_id,
        "role": grant.role,
        "region": grant.region,
        "granted_by": grant.granted_by,
        "granted_at": grant.granted_at,
        "revoked_by": grant.revoked_by,
        "revoked_at": grant.revoked_at,
    }


def shown_region(row: Shown) -> Shown:
    """Return a region."""
    return {
        "code": row["_id"],
        "name": row["name"],
        "parent": row["parent"],
        "level": row["level"],
    }


def shown_minutes(minutes: model.ServiceMinutes) -> Shown:
    """Return what a service record counts for."""
    return {
        "record_id": minutes.record_id,
        "version": minutes.version,
        "kind": minutes.kind,
        "minutes": minutes.minutes,
        "served_at": minutes.served_at,
        "district": minutes.district,
    }
