"""A district's rules for its shelf."""

from __future__ import annotations

from services.store.schemas.items import LIMIT_A_MONTH_MAX, VOUCHER_DAYS_MAX
from shared.web import Schema, fields


class RuleValues(Schema):
    """What a district may set for its shelf."""

    example = {"limit_a_month": 10}

    limit_a_month = fields.Count(1, LIMIT_A_MONTH_MAX)
    voucher_days = fields.Count(1, VOUCHER_DAYS_MAX)
    voucher_days_fresh = fields.Count(1, VOUCHER_DAYS_MAX)
