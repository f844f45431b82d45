"""A district's rules over HTTP."""

from __future__ import annotations

from shared.web import Schema, fields


class RuleValues(Schema):
    """What a district may set for its activities."""

    example = {"withdrawal_closes_minutes": 120}

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
