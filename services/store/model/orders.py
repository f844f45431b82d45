"""The order: one redemption, and the voucher that lives inside it.

One document with one ``state``, so one compare-and-set decides between a scan, a cancel and the
last day. What each state makes of each input stands in :mod:`services.store.model.table`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from services.store.model.table import ASKING, Input, Move, State

GIVE_UP_AFTER = timedelta(minutes=10)
"""Real time after which an order that the ledger has not answered is cancelled."""

_STAMPS: Mapping[State, str] = {
    State.CONFIRMED: "confirmed_at",
    State.USED: "used_at",
    State.CAPTURED: "captured_at",
    State.CANCELLING: "cancelled_at",
    State.CANCELLED: "ended_at",
    State.REFUSED: "ended_at",
}


@dataclass(frozen=True, kw_only=True)
class Order:
    """One redemption. All above ``state`` is a copy of what held when it was placed, for ever."""

    order_id: str
    district: str
    zone: str
    """The district's time zone: the month of its settlement line is told by it."""
    merchant_id: str
    item_id: str
    item_title: str
    volunteer_id: str
    pieces: int
    price: int
    amount: int
    month: str
    """The month whose limit counts it."""
    code_hash: str
    key_id: str
    last_day: str
    expires_at: datetime
    """The first moment after the voucher's last day."""
    placed_at: datetime
    give_up_at: datetime
    """Real time: unanswered until then, it is cancelled."""
    state: State = State.PLACED
    version: int = 1
    """How many events it has told."""
    ask_at: datetime | None = None
    """Real time of the next asking; None where no question is open."""
    asked: int = 0
    confirmed_at: datetime | None = None
    used_at: datetime | None = None
    used_by: str | None = None
    captured_at: datetime | None = None
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None
    cancel_reason: str | None = None
    refused_reason: str | None = None


def scan_of(order: Order, *, now: datetime) -> Input:
    """Return which scan this is: in time, or after the voucher's last day."""
    return Input.SCAN if now < order.expires_at else Input.SCAN_TOO_LATE


def timer_of(order: Order, *, real_now: datetime) -> Input:
    """Return what time asks of an order whose next asking is due."""
    if order.state is State.PLACED and real_now >= order.give_up_at:
        return Input.UNANSWERED
    return Input.ASK_TIME


def last_day_of(*, placed_at: datetime, days: int, zone: ZoneInfo) -> tuple[str, datetime]:
    """Return a voucher's last day, so many days after the order's, and the moment it is over."""
    day = placed_at.astimezone(zone).date() + timedelta(days=days)
    over = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    return day.isoformat(), over.astimezone(UTC)


def moved(
    order: Order,
    move: Move,
    *,
    at: datetime,
    ask_at: datetime | None = None,
    used_by: str | None = None,
    refused_reason: str | None = None,
) -> Order:
    """Return the order after a move: its state and when, and one version more where it tells.

    A state with an open question takes ``ask_at``, the real time of the first asking again.
    """
    if (move.to in ASKING) != (ask_at is not None):
        raise ValueError(f"{move.to}: a question is open exactly where it is asked again")
    stamp: dict[str, Any] = {_STAMPS[move.to]: at}
    return replace(
        order,
        state=move.to,
        version=order.version + (move.tell is not None),
        ask_at=ask_at,
        asked=0,
        cancel_reason=move.reason or order.cancel_reason,
        used_by=used_by or order.used_by,
        refused_reason=refused_reason or order.refused_reason,
        **stamp,
    )


def asked_again(order: Order, *, ask_at: datetime) -> Order:
    """Return the order with its question asked once more; ``ask_at`` says when to ask next.

    An order that waits for its points never waits past the moment at which it is given up.
    """
    if order.state is State.PLACED:
        ask_at = min(ask_at, order.give_up_at)
    return replace(order, ask_at=ask_at, asked=order.asked + 1)
