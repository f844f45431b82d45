"""A district's rules for its shelf."""

from __future__ import annotations

import marshmallow as ma

from services.store.schemas.items import LIMIT_A_MONTH_MAX, VOUCHER_DAYS_MAX
from shared.web import Schema, fields


class ChangeRules(Schema):
    """A district's rules from a day on; what is left out stays as it was."""

    starts_on = fields.Day(required=True)
    limit_a_month = fields.Count(1, LIMIT_A_MONTH_MAX)
    voucher_days = fields.Count(1, VOUCHER_DAYS_MAX)
    voucher_days_fresh = fields.Count(1, VOUCHER_DAYS_MAX)

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
