"""``/v1/districts/<district>/rules``: every service shows and changes its rules alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import marshmallow as ma

from shared import clock, regions
from shared.auth import Role
from shared.errors import NotAllowed, NotThere
from shared.rules import set_rules, show_rules
from shared.web import fields
from shared.web.access import principal, public, requires
from shared.web.blueprint import Blueprint
from shared.web.running import service_db
from shared.web.schemas import Schema


def rules_blueprint(
    defaults: Any, values: type[Schema], *, check: Callable[[Any], None] = lambda _rules: None
) -> Blueprint:
    """Return the routes of a service's rules.

    ``defaults`` is the model's dataclass of rules, ``values`` the schema of what a district may
    set, ``check`` refuses what the rules of a day must not be together.
    """
    about = "区级规则 · A district's rules"
    rules = Blueprint(
        "rules",
        __name__,
        url_prefix="/v1",
        description=about,
        examples={"district": "430211"},
    )
    change, row, shown = _schemas(values)

    @rules.get("/districts/<district>/rules")
    @public
    @rules.response(200, shown)
    def show(district: str) -> dict[str, Any]:
        """Show the rules that hold now, and all that the district ever set."""
        _check_district(district)
        return show_rules(service_db(), district=district, defaults=defaults)

    @rules.put("/districts/<district>/rules")
    @requires(Role.ADMIN)
    @rules.arguments(change)
    @rules.response(200, row)
    def change_rules(body: dict[str, Any], district: str) -> dict[str, Any]:
        """Set rules from a day to come on; the same day set again replaces it."""
        _check_district(district)
        database, who = service_db(), principal()
        if not who.may(Role.ADMIN, district):
            raise NotAllowed
        starts_on = body.pop("starts_on")
        return database.unit_of_work(
            lambda work: set_rules(
                work,
                district=district,
                starts_on=starts_on,
                values=body,
                defaults=defaults,
                check=check,
                by=who.person_id,
                now=clock.now(),
                zone=database.settings.time_zone,
            )
        )

    return rules


def _schemas(rule_values: type[Schema]) -> tuple[type[Schema], type[Schema], type[Schema]]:
    class ChangeRules(rule_values):  # type: ignore[misc, valid-type]
        """Rules from a day to come on; what is left out stays as it was."""

        example = {"starts_on": "2030-01-01", **(rule_values.example or {})}

        starts_on = fields.Day(required=True)

        @ma.validates_schema
        def something(self, data: dict[str, object], **_kwargs: object) -> None:
            """Refuse a change that says nothing."""
            if data.keys() <= {"starts_on"}:
                raise ma.ValidationError("没有任何规则 · No rule is given.")

    class RulesRow(Schema):
        """What a district set, from which day on, and who set it."""

        starts_on = fields.Day()
        values = ma.fields.Nested(rule_values)
        set_by = fields.Id()
        set_at = fields.When()

    class RulesShown(Schema):
        """The rules that hold now, and all that the district ever set."""

        district = fields.RegionCode()
        now = ma.fields.Nested(rule_values)
        items = ma.fields.List(ma.fields.Nested(RulesRow))
        next = ma.fields.String(allow_none=True)

    return ChangeRules, RulesRow, RulesShown


def _check_district(code: str) -> None:
    if not regions.is_code(code) or regions.district_of(code) != code:
        raise NotThere
