"""What is shown of merchants, items, orders and lines: plain values, chosen field by field."""

from __future__ import annotations

from typing import Any

from services.store import model

Shown = dict[str, Any]


def shown_merchant(merchant: model.Merchant) -> Shown:
    """Return what everybody may see of a merchant."""
    return {
        "merchant_id": merchant.merchant_id,
        "district": merchant.district,
        "region": merchant.region,
        "name": merchant.name,
        "kind": merchant.kind.value,
        "introduction": merchant.introduction,
        "status": merchant.status.value,
    }


def shown_merchant_inside(merchant: model.Merchant) -> Shown:
    """Return what its staff and the administrators and auditors of its region see besides."""
    return shown_merchant(merchant) | {
        "staff": list(merchant.staff),
        "applied_at": merchant.applied_at,
        "approved_at": merchant.approved_at,
        "approved_by": merchant.approved_by,
        "suspended_at": merchant.suspended_at,
        "suspension_reason": merchant.suspension_reason,
    }


def shown_item(item: model.Item, merchant: model.Merchant) -> Shown:
    """Return what everybody may see of an item."""
    return {
        "item_id": item.item_id,
        "merchant_id": item.merchant_id,
        "merchant_name": merchant.name,
        "district": item.district,
        "region": item.region,
        "title": item.title,
        "description": item.description,
        "kind": item.kind.value,
        "fresh": item.fresh,
        "price": item.price,
        "free": item.free,
        "voucher_days": item.voucher_days,
        "limit_a_month": item.limit_a_month,
        "on_sale_from": item.on_sale_from,
        "on_sale_until": item.on_sale_until,
        "status": item.status.value,
        "revision": item.revision,
    }


def shown_item_inside(item: model.Item, merchant: model.Merchant) -> Shown:
    """Return what its merchant's staff see besides: where all pieces are."""
    return shown_item(item, merchant) | {
        "reserved": item.reserved,
        "gone": item.gone,
        "received": item.received,
    }


def shown_order(order: model.Order) -> Shown:
    """Return what its owner sees of an order."""
    return {
        "order_id": order.order_id,
        "district": order.district,
        "merchant_id": order.merchant_id,
        "item_id": order.item_id,
        "item_title": order.item_title,
        "pieces": order.pieces,
        "price": order.price,
        "amount": order.amount,
        "month": order.month,
        "state": order.state.value,
        "last_day": order.last_day,
        "placed_at": order.placed_at,
        "confirmed_at": order.confirmed_at,
        "used_at": order.used_at,
        "captured_at": order.captured_at,
        "cancelled_at": order.cancelled_at,
        "ended_at": order.ended_at,
        "cancel_reason": order.cancel_reason,
        "refused_reason": order.refused_reason,
    }


def shown_use(order: model.Order) -> Shown:
    """Return what the merchant sees of a voucher that it has just verified."""
    return {
        "order_id": order.order_id,
        "merchant_id": order.merchant_id,
        "item_id": order.item_id,
        "item": order.item_title,
        "pieces": order.pieces,
        "amount": order.amount,
        "state": order.state.value,
        "used_at": order.used_at,
    }


def shown_line(line: model.SettlementLine) -> Shown:
    """Return a settlement line."""
    return {
        "order_id": line.order_id,
        "month": line.month,
        "item_id": line.item_id,
        "item": line.item_title,
        "pieces": line.pieces,
        "amount": line.amount,
        "captured_at": line.captured_at,
        "n": line.n,
    }
