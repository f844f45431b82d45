"""What the store tells. The key is the district of the item; the aggregate is the order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from shared.events.envelope import Event


@dataclass(frozen=True, kw_only=True)
class OrderPlaced(Event):
    """Somebody asks to redeem: the ledger is to set ``amount`` hundredths of a point aside."""

    AGGREGATE: ClassVar[str] = "order_id"

    order_id: str
    version: int
    district: str
    volunteer_id: str
    merchant_id: str
    item_id: str
    pieces: int
    amount: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class VoucherUsed(Event):
    """The merchant handed the goods over: the ledger is to pay what is held."""

    AGGREGATE: ClassVar[str] = "order_id"

    order_id: str
    version: int
    district: str
    volunteer_id: str
    merchant_id: str
    amount: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class OrderCancelled(Event):
    """The order is given up: the ledger is to give back what is held."""

    AGGREGATE: ClassVar[str] = "order_id"

    order_id: str
    version: int
    district: str
    volunteer_id: str
    reason: str
    """``buyer``, ``expired`` or ``unanswered``."""
    at: datetime


EVENTS = (OrderPlaced, VoucherUsed, OrderCancelled)
