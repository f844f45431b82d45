"""The ledger's answers: what became of the points, and so of the order."""

from __future__ import annotations

from datetime import datetime

from services.store import model, repository
from services.store.operations.moves import step
from shared.errors import Alarm
from shared.mongo import UnitOfWork


def confirm_order(
    work: UnitOfWork, *, order_id: str, district: str, amount: int, now: datetime
) -> None:
    """The points are set aside: the voucher is good."""
    order = _order(work, order_id, district)
    _check_amount(order, amount)
    step(work, order, model.Input.HOLD_PLACED, at=now)


def refuse_order(
    work: UnitOfWork, *, order_id: str, district: str, reason: str, now: datetime
) -> None:
    """The points cannot be set aside: the pieces are free again, the month's counter lowered."""
    order = _order(work, order_id, district)
    step(work, order, model.Input.HOLD_REFUSED, at=now, refused_reason=reason)


def capture_order(
    work: UnitOfWork, *, order_id: str, district: str, amount: int, n: int, at: datetime
) -> None:
    """The points are the merchant's: a line of its settlement, dated by the ledger's posting."""
    order = _order(work, order_id, district)
    _check_amount(order, amount)
    captured = step(work, order, model.Input.HOLD_CAPTURED, at=at)
    if captured is not order:
        repository.add_line(work, model.line_of(captured, n=n, captured_at=at))


def release_order(work: UnitOfWork, *, order_id: str, district: str, now: datetime) -> None:
    """The points are the volunteer's again: so are the pieces free, and the counter lowered."""
    order = _order(work, order_id, district)
    step(work, order, model.Input.HOLD_RELEASED, at=now)


def _order(work: UnitOfWork, order_id: str, district: str) -> model.Order:
    order = repository.order_in(work, order_id)
    if order is None:
        raise model.UnknownOrder()
    if order.district != district:
        raise Alarm("answer-of-another-book", order_id, f"{district}, not {order.district}")
    return order


def _check_amount(order: model.Order, amount: int) -> None:
    if amount != order.amount:
        raise Alarm("answer-of-another-amount", order.order_id, f"{amount}, not {order.amount}")
