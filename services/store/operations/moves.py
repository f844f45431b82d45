"""One step of an order: what the table says, and all that belongs to it, in one transaction.

Every route, handler and sweep that changes an order comes through here.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from services.store import model, repository
from shared.asking import next_ask
from shared.errors import Alarm
from shared.events import Event
from shared.events import store as told
from shared.mongo import ServiceDatabase, UnitOfWork

log = logging.getLogger(__name__)


def stock_lock(item_id: str) -> str:
    """Return the name of the lock on an item's stock."""
    return f"stock:{item_id}"


def stock_of_order(database: ServiceDatabase, order_id: str) -> str | None:
    """Return the name of the lock on the stock of an order's item; None for an unknown order."""
    order = repository.order(database, order_id)
    return None if order is None else stock_lock(order.item_id)


def step(
    work: UnitOfWork,
    order: model.Order,
    happened: model.Input,
    *,
    at: datetime,
    real_now: datetime | None = None,
    **facts: str,
) -> model.Order:
    """Return the order after what happened to it: moved, with these facts on it, or as it was.

    Raises the table's refusal where it forbids, and :class:`Alarm` where it cannot be. A move
    that opens a question needs ``real_now``, from which the time of asking again is counted.
    """
    cell = model.cell(order.state, happened)
    if isinstance(cell, model.Move):
        return _move(work, order, cell, at=at, real_now=real_now, facts=facts)
    if isinstance(cell, model.Forbidden):
        raise cell.refusal()
    if isinstance(cell, model.Alarming):
        raise Alarm(f"{happened.value}-at-{order.state.value}", order.order_id)
    log.info(
        "nothing to do for an order",
        extra={"order": order.order_id, "state": order.state.value, "happened": happened.value},
    )
    return order


def save(work: UnitOfWork, before: model.Order, after: model.Order) -> None:
    """Save an order over the one that this transaction has read."""
    if not repository.move_order(work, before, after):
        # Another's move is a conflict in the database, and the body is run again; so this is none.
        raise Alarm("order-changed-unseen", before.order_id)


def _move(
    work: UnitOfWork,
    order: model.Order,
    move: model.Move,
    *,
    at: datetime,
    real_now: datetime | None,
    facts: dict[str, str],
) -> model.Order:
    # The stock is the contended thing, so it is the first that is written.
    if move.stock is model.Stock.BACK:
        _stock_back(work, order)
    elif move.stock is model.Stock.GONE:
        _sure(repository.hand_over_stock(work, item_id=order.item_id, pieces=order.pieces), order)
    ask_at = None
    if move.to in model.ASKING and real_now is not None:
        ask_at = real_now + next_ask(0)
    after = model.moved(order, move, at=at, ask_at=ask_at, **facts)
    save(work, order, after)
    if move.tell is not None:
        work.tell(event_of(after, move.tell, at=at))
    return after


def _stock_back(work: UnitOfWork, order: model.Order) -> None:
    """Put the pieces on the shelf again and lower the counter of the order's own month."""
    _sure(repository.return_stock(work, item_id=order.item_id, pieces=order.pieces), order)
    lowered = repository.lower_counter(
        work,
        person_id=order.volunteer_id,
        item_id=order.item_id,
        month=order.month,
        pieces=order.pieces,
    )
    _sure(lowered, order)


def _sure(done: bool, order: model.Order) -> None:
    if not done:
        raise Alarm("stock-does-not-add-up", order.item_id, f"order {order.order_id}")


def question_of(order: model.Order) -> Event:
    """Return the event of an order's open question just as it was told."""
    kind, at = {
        model.State.PLACED: (model.Told.ORDER_PLACED, order.placed_at),
        model.State.USED: (model.Told.VOUCHER_USED, order.used_at),
        model.State.CANCELLING: (model.Told.ORDER_CANCELLED, order.cancelled_at),
    }[order.state]
    return event_of(order, kind, at=at or order.placed_at)


def event_of(order: model.Order, kind: model.Told, *, at: datetime) -> Event:
    """Return the event that tells of an order, with the version that it has now."""
    who: dict[str, Any] = {
        "order_id": order.order_id,
        "version": order.version,
        "district": order.district,
        "volunteer_id": order.volunteer_id,
        "at": at,
    }
    if kind is model.Told.ORDER_CANCELLED:
        return told.OrderCancelled(**who, reason=order.cancel_reason or "")
    if kind is model.Told.VOUCHER_USED:
        return told.VoucherUsed(**who, merchant_id=order.merchant_id, amount=order.amount)
    return told.OrderPlaced(
        **who,
        merchant_id=order.merchant_id,
        item_id=order.item_id,
        pieces=order.pieces,
        amount=order.amount,
    )
