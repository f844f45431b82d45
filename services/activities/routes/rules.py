"""A district's rules for its activities over HTTP."""

from __future__ import annotations

from typing import Any

from services.activities import operations
from services.activities.schemas import RulesChange, RulesRow, RulesSchema
from shared import clock, regions
from shared.auth import Role
from shared.errors import NotThere
from shared.web import Blueprint, principal, public, requires, service_db

rules = Blueprint("rules", __name__, url_prefix="/v1", description="区级规则 · A district's rules")


@rules.get("/districts/<district>/rules")
@public
@rules.response(200, RulesSchema)
def show_rules(district: str) -> dict[str, Any]:
    """Show the rules that hold now, and all that the district ever set."""
    _check_district(district)
    return operations.rules_of(service_db(), district=district, now=clock.now())


@rules.put("/districts/<district>/rules")
@requires(Role.ADMIN)
@rules.arguments(RulesChange)
@rules.response(200, RulesRow)
def change_rules(body: dict[str, Any], district: str) -> dict[str, Any]:
    """Set rules from a day to come on; the same day set again replaces it whole."""
    _check_district(district)
    database, who = service_db(), principal()
    values = {name: value for name, value in body.items() if name != "starts_on"}
    return database.unit_of_work(
        lambda work: operations.change_rules(
            work,
            district=district,
            who=who,
            starts_on=body["starts_on"],
            values=values,
            now=clock.now(),
            zone=database.settings.time_zone,
        )
    )


def _check_district(code: str) -> None:
    if not regions.is_code(code) or regions.district_of(code) != code:
        raise NotThere
