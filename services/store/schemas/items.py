"""Items on the shelf."""

from __future__ import annotations

import marshmallow as ma
from marshmallow import validate

from services.store.model import PIECES_MAX, ItemKind, ItemStatus
from shared.web import Page, PageQuery, Schema, fields

LIMIT_A_MONTH_MAX = 1_000
VOUCHER_DAYS_MAX = 366


def _one_of(kind: type[ItemKind | ItemStatus]) -> validate.OneOf:
    return validate.OneOf([one.value for one in kind])


class _ItemTerms(Schema):
    """What of an item may be given and edited."""

    description = fields.Text(2000, min=0, lines=True)
    fresh = ma.fields.Boolean(truthy={True}, falsy={False})
    voucher_days = fields.Count(1, VOUCHER_DAYS_MAX, allow_none=True)
    limit_a_month = fields.Count(1, LIMIT_A_MONTH_MAX, allow_none=True)
    on_sale_from = fields.When(allow_none=True)
    on_sale_until = fields.When(allow_none=True)


class AddItem(_ItemTerms):
    """An item and its first stock; what is left out follows the district's rules."""

    example = {
        "title": "洗衣液 · Washing liquid",
        "kind": "goods",
        "price": 5000,
        "pieces": 100,
        "limit_a_month": 2,
    }

    title = fields.Text(120, required=True)
    kind = fields.Text(20, required=True, validate=_one_of(ItemKind))
    price = fields.Hundredths(required=True)
    pieces = fields.Count(0, PIECES_MAX, required=True)
    description = fields.Text(2000, min=0, lines=True, load_default="")
    fresh = ma.fields.Boolean(truthy={True}, falsy={False}, load_default=False)
    voucher_days = fields.Count(1, VOUCHER_DAYS_MAX, allow_none=True, load_default=None)
    limit_a_month = fields.Count(1, LIMIT_A_MONTH_MAX, allow_none=True, load_default=None)
    on_sale_from = fields.When(allow_none=True, load_default=None)
    on_sale_until = fields.When(allow_none=True, load_default=None)


class EditItem(_ItemTerms):
    """What is to change of an item; orders already placed keep what held for them."""

    example = {"price": 4500}

    title = fields.Text(120)
    price = fields.Hundredths()
    status = fields.Text(20, validate=_one_of(ItemStatus))

    @ma.validates_schema
    def something(self, data: dict[str, object], **_kwargs: object) -> None:
        """Refuse an edit that changes nothing."""
        if not data:
            raise ma.ValidationError("没有任何修改 · Nothing to change.")


class ReceiveStock(Schema):
    """Pieces that arrived."""

    example = {"pieces": 20}

    pieces = fields.Count(1, PIECES_MAX, required=True)


class ShelfQuery(PageQuery):
    """Which items: of a region, of a merchant, or all that is on a shelf."""

    region = fields.RegionCode(load_default=None)
    merchant_id = fields.Id(load_default=None)


class ItemShown(Schema):
    """An item; from ``reserved`` on only to its merchant's staff."""

    item_id = fields.Id()
    merchant_id = fields.Id()
    merchant_name = ma.fields.String()
    district = fields.RegionCode()
    region = fields.RegionCode()
    title = ma.fields.String()
    description = ma.fields.String()
    kind = ma.fields.String()
    fresh = ma.fields.Boolean()
    price = ma.fields.Integer(metadata={"description": "Hundredths of a point a piece."})
    free = ma.fields.Integer(metadata={"description": "Pieces that can be ordered now."})
    voucher_days = ma.fields.Integer(allow_none=True)
    limit_a_month = ma.fields.Integer(allow_none=True)
    on_sale_from = fields.When(allow_none=True)
    on_sale_until = fields.When(allow_none=True)
    status = ma.fields.String()
    revision = ma.fields.Integer()
    reserved = ma.fields.Integer()
    gone = ma.fields.Integer()
    received = ma.fields.Integer()


ItemPage = Page(ItemShown)
