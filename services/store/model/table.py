"""The order's table: what each state makes of each input.

The table is data. Handlers, routes and sweeps all go through it, the enumeration test reads it,
and ``docs/orders.md`` is drawn from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.errors import Refusal


class OrderNotConfirmed(Refusal):
    """The points are not set aside yet, so there is no voucher yet."""

    title = "订单尚未确认 · The order is not confirmed yet"


class VoucherUsed(Refusal):
    """The voucher was used before; it is used once."""

    title = "该券已使用 · The voucher was used before"


class VoucherExpired(Refusal):
    """The voucher's last day is over."""

    title = "该券已过期 · The voucher has expired"


class OrderCancelled(Refusal):
    """The order was cancelled, by its owner or by time."""

    title = "订单已取消 · The order was cancelled"


class OrderRefused(Refusal):
    """The ledger could not set the points aside."""

    title = "订单未成功 · The order was refused"


class UnknownOrder(Refusal):
    """An answer of the ledger speaks of an order that the store never placed."""

    status = 404
    title = "没有这个订单 · There is no such order"


class State(StrEnum):
    """Where an order stands."""

    PLACED = "PLACED"
    CONFIRMED = "CONFIRMED"
    USED = "USED"
    CAPTURED = "CAPTURED"
    CANCELLING = "CANCELLING"
    CANCELLED = "CANCELLED"
    REFUSED = "REFUSED"


class Input(StrEnum):
    """What can happen to an order: an answer of the ledger, a person, or time."""

    HOLD_PLACED = "HoldPlaced"
    HOLD_REFUSED = "HoldRefused"
    HOLD_CAPTURED = "HoldCaptured"
    HOLD_RELEASED = "HoldReleased"
    SCAN = "scan"
    SCAN_TOO_LATE = "scan after the last day"
    CANCEL = "cancel"
    ASK_TIME = "time to ask again"
    UNANSWERED = "10 min unanswered"
    LAST_DAY_OVER = "last day over"


class Stock(StrEnum):
    """What a move does with the order's pieces."""

    BACK = "back on the shelf, limit lowered"
    GONE = "reserved → gone"


class Told(StrEnum):
    """The event that a move tells."""

    ORDER_PLACED = "OrderPlaced"
    VOUCHER_USED = "VoucherUsed"
    ORDER_CANCELLED = "OrderCancelled"


@dataclass(frozen=True, kw_only=True)
class Move:
    """The order goes to another state, with all that belongs to it in one transaction."""

    to: State
    tell: Told | None = None
    stock: Stock | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Forbidden:
    """Whoever asks is refused; nothing changes."""

    refusal: type[Refusal]


@dataclass(frozen=True)
class SendAgain:
    """The open question is asked again: the same event, with the same id."""

    event: Told


@dataclass(frozen=True)
class SameAnswer:
    """What was asked for is under way or done: the order as it stands is the answer."""


@dataclass(frozen=True)
class Ignored:
    """Nothing changes; it is logged."""


@dataclass(frozen=True)
class Alarming:
    """This cannot be: nothing changes, operators are told."""


Cell = Move | Forbidden | SendAgain | SameAnswer | Ignored | Alarming

_IGNORED, _ALARM, _SAME = Ignored(), Alarming(), SameAnswer()
_NO_TIMER: Mapping[Input, Cell] = {
    Input.ASK_TIME: _IGNORED,
    Input.UNANSWERED: _IGNORED,
    Input.LAST_DAY_OVER: _IGNORED,
}


def _cancelling(reason: str) -> Move:
    return Move(to=State.CANCELLING, tell=Told.ORDER_CANCELLED, reason=reason)


def _refused(refusal: type[Refusal], *inputs: Input) -> dict[Input, Cell]:
    return {one: Forbidden(refusal=refusal) for one in inputs}


TABLE: Mapping[State, Mapping[Input, Cell]] = {
    State.PLACED: {
        Input.HOLD_PLACED: Move(to=State.CONFIRMED),
        Input.HOLD_REFUSED: Move(to=State.REFUSED, stock=Stock.BACK),
        Input.HOLD_CAPTURED: _ALARM,
        Input.HOLD_RELEASED: _ALARM,
        **_refused(OrderNotConfirmed, Input.SCAN, Input.SCAN_TOO_LATE),
        Input.CANCEL: _cancelling("buyer"),
        Input.ASK_TIME: SendAgain(Told.ORDER_PLACED),
        Input.UNANSWERED: _cancelling("unanswered"),
        Input.LAST_DAY_OVER: _IGNORED,
    },
    State.CONFIRMED: {
        Input.HOLD_PLACED: _IGNORED,
        Input.HOLD_REFUSED: _ALARM,
        Input.HOLD_CAPTURED: _ALARM,
        Input.HOLD_RELEASED: _ALARM,
        Input.SCAN: Move(to=State.USED, tell=Told.VOUCHER_USED, stock=Stock.GONE),
        **_refused(VoucherExpired, Input.SCAN_TOO_LATE),
        Input.CANCEL: _cancelling("buyer"),
        **_NO_TIMER,
        Input.LAST_DAY_OVER: _cancelling("expired"),
    },
    State.USED: {
        Input.HOLD_PLACED: _IGNORED,
        Input.HOLD_REFUSED: _ALARM,
        Input.HOLD_CAPTURED: Move(to=State.CAPTURED),
        Input.HOLD_RELEASED: _ALARM,
        **_refused(VoucherUsed, Input.SCAN, Input.SCAN_TOO_LATE, Input.CANCEL),
        **_NO_TIMER,
        Input.ASK_TIME: SendAgain(Told.VOUCHER_USED),
    },
    State.CAPTURED: {
        Input.HOLD_PLACED: _IGNORED,
        Input.HOLD_REFUSED: _ALARM,
        Input.HOLD_CAPTURED: _IGNORED,
        Input.HOLD_RELEASED: _ALARM,
        **_refused(VoucherUsed, Input.SCAN, Input.SCAN_TOO_LATE, Input.CANCEL),
        **_NO_TIMER,
    },
    State.CANCELLING: {
        Input.HOLD_PLACED: _IGNORED,
        Input.HOLD_REFUSED: Move(to=State.CANCELLED, stock=Stock.BACK),
        Input.HOLD_CAPTURED: _ALARM,
        Input.HOLD_RELEASED: Move(to=State.CANCELLED, stock=Stock.BACK),
        **_refused(OrderCancelled, Input.SCAN, Input.SCAN_TOO_LATE),
        Input.CANCEL: _SAME,
        **_NO_TIMER,
        Input.ASK_TIME: SendAgain(Told.ORDER_CANCELLED),
    },
    State.CANCELLED: {
        Input.HOLD_PLACED: _IGNORED,
        Input.HOLD_REFUSED: _IGNORED,
        Input.HOLD_CAPTURED: _ALARM,
        Input.HOLD_RELEASED: _IGNORED,
        **_refused(OrderCancelled, Input.SCAN, Input.SCAN_TOO_LATE),
        Input.CANCEL: _SAME,
        **_NO_TIMER,
    },
    State.REFUSED: {
        Input.HOLD_PLACED: _ALARM,
        Input.HOLD_REFUSED: _IGNORED,
        Input.HOLD_CAPTURED: _ALARM,
        Input.HOLD_RELEASED: _IGNORED,
        **_refused(OrderRefused, Input.SCAN, Input.SCAN_TOO_LATE, Input.CANCEL),
        **_NO_TIMER,
    },
}

ASKING = frozenset({State.PLACED, State.USED, State.CANCELLING})
"""The states with an open question to the ledger: it is asked again until it is answered."""


def cell(state: State, event: Input) -> Cell:
    """Return what the table says."""
    return TABLE[state][event]
