"""Orders and vouchers."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import validate

from services.store.model import State
from services.store.schemas.items import LIMIT_A_MONTH_MAX
from shared.web import Page, Schema, fields


class PlaceOrder(Schema):
    """What one person wants to redeem."""

    example = {"item_id": "01KASAMP1E0000000000000000", "pieces": 1}

    item_id = fields.Id(required=True)
    pieces = fields.Count(1, LIMIT_A_MONTH_MAX, required=True)


class OrderShown(Schema):
    """An order as it is now; see docs/orders.md for its states."""

    order_id = fields.Id()
    district = fields.RegionCode()
    merchant_id = fields.Id()
    item_id = fields.Id()
    item_title = ma.fields.String()
    pieces = ma.fields.Integer()
    price = ma.fields.Integer()
    amount = ma.fields.Integer(metadata={"description": "Hundredths of a point in all."})
    month = fields.Month()
    state = ma.fields.String(validate=validate.OneOf([state.value for state in State]))
    last_day = fields.Day()
    placed_at = fields.When()
    confirmed_at = fields.When(allow_none=True)
    used_at = fields.When(allow_none=True)
    captured_at = fields.When(allow_none=True)
    cancelled_at = fields.When(allow_none=True)
    ended_at = fields.When(allow_none=True)
    cancel_reason = ma.fields.String(allow_none=True)
    refused_reason = ma.fields.String(allow_none=True)


class VoucherShown(Schema):
    """A voucher's code, for its owner."""

    order_id = fields.Id()
    code = ma.fields.String()
    last_day = fields.Day()
    item = ma.fields.String()
    pieces = ma.fields.Integer()
    merchant_id = fields.Id()


class UseVoucher(Schema):
    """A code as it was typed or scanned."""

    example = {"code": "as-the-owner-shows-it"}

    code = fields.Text(64, required=True)


class VoucherUse(Schema):
    """What may be handed over now."""

    order_id = fields.Id()
    merchant_id = fields.Id()
    item_id = fields.Id()
    item = ma.fields.String()
    pieces = ma.fields.Integer()
    amount = ma.fields.Integer()
    state = ma.fields.String()
    used_at = fields.When()


OrderPage = Page(OrderShown)
