"""Roles over HTTP."""

from __future__ import annotations

from typing import Any

from services.volunteers import operations
from services.volunteers.schemas import Grant, GrantPage, GrantRole, RevokeRole
from shared import clock
from shared.auth import Role
from shared.web import Blueprint, once, principal, requires, service_db

roles = Blueprint("roles", __name__, url_prefix="/v1", description="角色 · Roles")


@roles.post("/volunteers/<volunteer_id>/roles")
@requires(Role.ADMIN)
@roles.arguments(GrantRole)
@roles.response(201, Grant)
def grant_role(body: dict[str, Any], volunteer_id: str) -> Any:
    """Let a person act in a role within a region of one's scope."""
    who = principal()
    return once(
        lambda work: operations.grant_role(
            work, who=who, person_id=volunteer_id, **body, now=clock.now()
        ),
        holding=f"person:{volunteer_id}",
    )


@roles.get("/volunteers/<volunteer_id>/roles")
@requires(Role.ADMIN)
@roles.response(200, GrantPage)
def list_roles(volunteer_id: str) -> dict[str, Any]:
    """List what a person was ever granted within one's scope, oldest first."""
    found = operations.roles(service_db(), who=principal(), person_id=volunteer_id)
    return {"items": found, "next": None}


@roles.post("/role-revocations")
@requires(Role.ADMIN)
@roles.arguments(RevokeRole)
@roles.response(201, Grant)
def revoke_role(body: dict[str, Any]) -> Any:
    """Take a role away; tokens that carry it end within half an hour."""
    who = principal()
    return once(lambda work: operations.revoke_role(work, who=who, **body, now=clock.now()))
