"""A district's rules over HTTP."""

from __future__ import annotations

from marshmallow import ValidationError, validates_schema
from marshmallow import fields as ma

from shared.web import Schema, fields


class RuleValues(Schema):
    """What a district may set for its activities."""

    sign_up_closes_minutes = fields.Count(0, 10_080)
    withdrawal_closes_minutes = fields.Count(0, 10_080)
    day_minutes_max = fields.Count(30, 1_440)
    check_in_opens_minutes = fields.Count(0, 240)
    check_in_closes_minutes = fields.Count(0, 240)
    check_in_pairs_max = fields.Count(1, 10)
    check_in_code_seconds = fields.Count(10, 120)
    check_out_grace_minutes = fields.Count(0, 240)
    decision_days = fields.Count(1, 60)
    minimum_share_percent = fields.Count(0, 100)


class RulesChange(RuleValues):
    """Rules from a day to come on; what is left out stays as it was."""

    starts_on = fields.Day(required=True)

    @validates_schema
    def something(self, data: dict[str, object], **_kwargs: object) -> None:
        """Refuse a change that says nothing."""
        if data.keys() <= {"starts_on"}:
            raise ValidationError("没有任何规则 · No rule is given.")


class RulesRow(Schema):
    """What a district set, and from which day on."""

    starts_on = ma.String(required=True)
    values = ma.Nested(RuleValues, required=True)
    set_at = fields.When(required=True)


class RulesSchema(Schema):
    """The rules that hold now, and all that the district ever set."""

    district = ma.String(required=True)
    now = ma.Nested(RuleValues, required=True)
    items = ma.List(ma.Nested(RulesRow), required=True)
    next = ma.String(allow_none=True)
