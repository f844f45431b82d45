"""Who asks: a person and the roles within regions in which that person may act."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from shared import regions


class Role(enum.StrEnum):
    """What a person may act as. Everyone with a token is a volunteer, everywhere."""

    VOLUNTEER = "volunteer"
    ORGANISER = "organiser"
    MERCHANT = "merchant"
    ADMIN = "admin"
    AUDITOR = "auditor"


@dataclass(frozen=True)
class Grant:
    """A role within a region and all that lies in it; the empty region is everywhere."""

    role: Role
    region: str


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The person who asks."""

    person_id: str
    number: str
    roles: tuple[Grant, ...]

    def has(self, role: Role) -> bool:
        """Tell whether the person has the role in any region."""
        return any(grant.role is role for grant in self.roles)

    def may(self, role: Role, region: str) -> bool:
        """Tell whether the person's role reaches this region."""
        return any(g.role is role and regions.within(region, g.region) for g in self.roles)

    def regions(self, role: Role) -> tuple[str, ...]:
        """Return the regions in which the person has the role."""
        return tuple(grant.region for grant in self.roles if grant.role is role)
