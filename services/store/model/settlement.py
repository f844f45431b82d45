"""Settlement: one line per captured order, of the month in which its points were captured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.store.model.orders import Order


@dataclass(frozen=True, kw_only=True)
class SettlementLine:
    """What one order brought its merchant; ``n`` is the number of the ledger's posting."""

    order_id: str
    merchant_id: str
    district: str
    month: str
    item_id: str
    item_title: str
    pieces: int
    amount: int
    captured_at: datetime
    n: int


def line_of(order: Order, *, n: int, captured_at: datetime) -> SettlementLine:
    """Return the line of a captured order, in its merchant's month by the order's own zone."""
    return SettlementLine(
        order_id=order.order_id,
        merchant_id=order.merchant_id,
        district=order.district,
        month=captured_at.astimezone(ZoneInfo(order.zone)).date().isoformat()[:7],
        item_id=order.item_id,
        item_title=order.item_title,
        pieces=order.pieces,
        amount=order.amount,
        captured_at=captured_at,
        n=n,
    )
