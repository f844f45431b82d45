"""Hours of service and stars over HTTP, and a district's rules for them."""

from __future__ import annotations

from typing import Any

from services.volunteers import operations
from services.volunteers.schemas import (
    ChangeRules,
    RulesRow,
    RulesShown,
    ServiceMinutesPage,
    Stars,
)
from shared import clock, regions
from shared.auth import Role
from shared.errors import NotThere
from shared.web import Blueprint, PageQuery, page, principal, public, requires, service_db

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


@service.get("/districts/<district>/rules")
@public
@service.response(200, RulesShown)
def show_rules(district: str) -> dict[str, Any]:
    """Show the rules that hold now, and all that the district ever set."""
    _check_district(district)
    return operations.rules(service_db(), district=district, now=clock.now())


@service.put("/districts/<district>/rules")
@requires(Role.ADMIN)
@service.arguments(ChangeRules)
@service.response(200, RulesRow)
def change_rules(body: dict[str, Any], district: str) -> dict[str, Any]:
    """Set rules from today or a later day on; the same day set again replaces it."""
    _check_district(district)
    database, who = service_db(), principal()
    values = {name: value for name, value in body.items() if name != "starts_on"}
    return database.unit_of_work(
        lambda work: operations.change_rules(
            work,
            who=who,
            district=district,
            starts_on=body["starts_on"],
            values=values,
            now=clock.now(),
            zone=database.settings.time_zone,
        )
    )


def _check_district(code: str) -> None:
    if not regions.is_code(code) or regions.district_of(code) != code:
        raise NotThere()
