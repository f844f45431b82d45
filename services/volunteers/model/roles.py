"""Roles: granted by an administrator within the own scope, never above it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.errors import NotAllowed, Refusal

ADMIN = "admin"
GRANTED = ("organiser", "merchant", ADMIN, "auditor")
"""The roles that are granted; everybody is a volunteer without anyone's doing."""


class AlreadyGranted(Refusal):
    """The person has this role in this region."""

    title = "已有此角色 · This role was granted already"


class AlreadyRevoked(Refusal):
    """The role was taken away before."""

    title = "该角色已撤销 · This role was revoked already"


@dataclass(frozen=True, kw_only=True)
class RoleGrant:
    """A role that a person has in a region, from when to when, and by whom."""

    grant_id: str
    person_id: str
    role: str
    region: str
    granted_by: str
    granted_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


def check_scope(standing: Iterable[RoleGrant], *, region: str) -> None:
    """Refuse who is no administrator of this region or of one that it lies in.

    ``standing`` is what the asker has now: a token may be older than a revocation.
    """
    if not any(grant.role == ADMIN and region.startswith(grant.region) for grant in standing):
        raise NotAllowed("超出您的管理范围 · Outside your scope")
