"""Hours of service, stars, and the rules for them."""

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


class RuleValues(Schema):
    """From which hours on there is which star."""

    example = {"star_1_hours": 100}

    star_1_hours = fields.Count(1, HOURS_MAX)
    star_2_hours = fields.Count(1, HOURS_MAX)
    star_3_hours = fields.Count(1, HOURS_MAX)
    star_4_hours = fields.Count(1, HOURS_MAX)
    star_5_hours = fields.Count(1, HOURS_MAX)
