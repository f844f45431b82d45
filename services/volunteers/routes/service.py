"""Hours of service and stars over HTTP."""

from __future__ import annotations

from typing import Any

from services.volunteers import operations
from services.volunteers.schemas import ServiceMinutesPage, Stars
from shared import clock
from shared.auth import Role
from shared.web import Blueprint, PageQuery, page, principal, requires, service_db

service = Blueprint("service", __name__, url_prefix="/v1", description="服务时长 · Hours and stars")


@service.get("/volunteers/me/service-minutes")
@requires(Role.VOLUNTEER)
@service.arguments(PageQuery, location="query")
@service.response(200, ServiceMinutesPage)
def list_service_minutes(query: dict[str, Any]) -> dict[str, Any]:
    """List one's service records and what they count for, the newest first."""
    found = operations.service_minutes(
        service_db(), who=principal(), before=query["after"], limit=query["limit"]
    )
    return page(found, query["limit"], key=lambda row: str(row["record_id"]))


@service.get("/volunteers/me/stars")
@requires(Role.VOLUNTEER)
@service.response(200, Stars)
def show_stars() -> dict[str, Any]:
    """Show the sums of one's minutes and the stars that they make; spending does not lower them."""
    return operations.stars(service_db(), who=principal(), now=clock.now())
