"""Hours of service, stars, and a district's rules for them."""

from __future__ import annotations

import marshmallow as ma

from shared.web import Page, Schema, fields

HOURS_MAX = 100_000


class ServiceMinutes(Schema):
    """What one service record counts for."""

    record_id = fields.Id()
    version = fields.Count()
    kind = ma.fields.String()
    minutes = fields.Count()
    served_at = fields.When()
    district = fields.RegionCode()


ServiceMinutesPage = Page(ServiceMinutes)


class Stars(Schema):
    """Sums of minutes, and the stars that they make."""

    credit_minutes = fields.Count()
    honorary_minutes = fields.Count()
    stars = fields.Count()


class ChangeRules(Schema):
    """From which hours on there is which star, from a day on; what is left out stays."""

    starts_on = fields.Day(required=True)
    star_1_hours = fields.Count(1, HOURS_MAX)
    star_2_hours = fields.Count(1, HOURS_MAX)
    star_3_hours = fields.Count(1, HOURS_MAX)
    star_4_hours = fields.Count(1, HOURS_MAX)
    star_5_hours = fields.Count(1, HOURS_MAX)

    @ma.validates_schema
    def something(self, data: dict[str, object], **_kwargs: object) -> None:
        """Refuse rules that say nothing."""
        if data.keys() <= {"starts_on"}:
            raise ma.ValidationError("没有任何规则 · No rule is given.")


class RulesRow(Schema):
    """What a district set, from which day on, and who set it."""

    starts_on = fields.Day()
    values = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())
    set_by = fields.Id()
    set_at = fields.When()


class RulesShown(Schema):
    """The rules that hold now, and all that the district ever set."""

    district = fields.RegionCode()
    now = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer())
    items = ma.fields.List(ma.fields.Nested(RulesRow))
    next = ma.fields.String(allow_none=True)
