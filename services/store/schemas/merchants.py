"""Merchants, their staff and their settlement."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import validate

from services.store.model import MerchantKind, MerchantStatus
from shared.web import Page, PageQuery, Schema, fields


def _one_of(kind: type[MerchantKind | MerchantStatus]) -> validate.OneOf:
    return validate.OneOf([one.value for one in kind])


class ApplyAsMerchant(Schema):
    """An application; the applicant becomes the first staff person."""

    example = {
        "name": "社区便利店 · Corner shop",
        "kind": "merchant",
        "region": "430211001004",
        "introduction": "开到晚上十点 · Open until ten",
    }

    name = fields.Text(80, required=True)
    kind = fields.Text(20, required=True, validate=_one_of(MerchantKind))
    region = fields.RegionCode(required=True)
    introduction = fields.Text(1000, min=0, lines=True, load_default="")


class SuspendMerchant(Schema):
    """Why a merchant may sell no longer."""

    example = {"reason": "停业整顿 closed for now"}

    reason = fields.Text(500, required=True)


class StaffPerson(Schema):
    """A person who acts for a merchant."""

    example = {"volunteer_id": "01KASAMP1E0000000000000000"}

    volunteer_id = fields.Id(required=True)


class MerchantQuery(PageQuery):
    """Which merchants: approved ones by default, ``mine`` those one acts for."""

    region = fields.RegionCode(load_default=None)
    status = fields.Text(
        20, load_default=MerchantStatus.APPROVED.value, validate=_one_of(MerchantStatus)
    )
    mine = ma.fields.Boolean(load_default=False)


class MerchantShown(Schema):
    """A merchant or talent; from ``staff`` on only to those who act for it or oversee it."""

    merchant_id = fields.Id()
    district = fields.RegionCode()
    region = fields.RegionCode()
    name = ma.fields.String()
    kind = ma.fields.String()
    introduction = ma.fields.String()
    status = ma.fields.String()
    staff = ma.fields.List(fields.Id())
    applied_at = fields.When()
    approved_at = fields.When(allow_none=True)
    approved_by = fields.Id(allow_none=True)
    suspended_at = fields.When(allow_none=True)
    suspension_reason = ma.fields.String(allow_none=True)


class SettlementQuery(PageQuery):
    """Which month; the present one where none is named."""

    month = fields.Month(load_default=None)


class SettlementLineShown(Schema):
    """What one order brought; ``n`` is the posting's number in the district's book."""

    order_id = fields.Id()
    month = fields.Month()
    item_id = fields.Id()
    item = ma.fields.String()
    pieces = ma.fields.Integer()
    amount = ma.fields.Integer()
    captured_at = fields.When()
    n = ma.fields.Integer()


class SettlementShown(Schema):
    """A month's lines, how many they are and what they sum to."""

    merchant_id = fields.Id()
    month = fields.Month()
    lines = ma.fields.Integer()
    total = ma.fields.Integer()
    items = ma.fields.List(ma.fields.Nested(SettlementLineShown))
    next = ma.fields.String(allow_none=True)


MerchantPage = Page(MerchantShown)
