"""Who leads where: an organiser or an administrator whose role covers the region."""

from __future__ import annotations

from shared.auth import Principal, Role
from shared.errors import NotAllowed, NotThere

LEADING = (Role.ORGANISER, Role.ADMIN)


def leads(who: Principal | None, region: str) -> bool:
    """Tell whether the person leads what happens in this region."""
    return who is not None and any(who.may(role, region) for role in LEADING)


def led_regions(who: Principal) -> tuple[str, ...]:
    """Return the regions that the person leads, each once."""
    return tuple(sorted({region for role in LEADING for region in who.regions(role)}))


def must_lead(who: Principal, region: str) -> None:
    """Refuse to make something in a region that the person does not lead."""
    if not leads(who, region):
        raise NotAllowed


def must_find(who: Principal | None, region: str) -> None:
    """Refuse, as if it were not there, what lies in a region that the person does not lead."""
    if not leads(who, region):
        raise NotThere
