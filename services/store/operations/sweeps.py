"""What time does to orders: open questions asked again, unanswered and expired ones given up.

Each order in a unit of work of its own, each sweep bounded; two workers at once only repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from services.store import model, repository
from services.store.operations.moves import question_of, save, step
from shared.asking import next_ask
from shared.errors import Alarm
from shared.mongo import ServiceDatabase, UnitOfWork, ask_again, raise_alarm

A_ROUND_MAX = 200

log = logging.getLogger(__name__)


def ask_open_questions(database: ServiceDatabase, now: datetime, real_now: datetime) -> int:
    """Send again what the ledger has not answered; give up an order unanswered for ten minutes."""
    due = repository.orders_to_ask(database, real_now=real_now, limit=A_ROUND_MAX)
    return _each(database, due, lambda work, order: _ask(work, order, now, real_now))


def cancel_expired_vouchers(database: ServiceDatabase, now: datetime, real_now: datetime) -> int:
    """Give up orders whose voucher was not used on its last day either."""
    due = repository.orders_past_last_day(database, now=now, limit=A_ROUND_MAX)
    return _each(database, due, lambda work, order: _expire(work, order, now, real_now))


def _ask(work: UnitOfWork, order: model.Order, now: datetime, real_now: datetime) -> bool:
    if order.ask_at is None or order.ask_at > real_now:
        return False
    timer = model.timer_of(order, real_now=real_now)
    if not isinstance(model.cell(order.state, timer), model.SendAgain):
        return step(work, order, timer, at=now, real_now=real_now) is not order
    later = real_now + next_ask(order.asked + 1)
    save(work, order, model.asked_again(order, ask_at=later))
    if not ask_again(work, f"{order.order_id}:{order.version}"):
        # The row is gone, which nothing of ours does; the same question is put there once more.
        log.warning("a question's row was gone", extra={"order": order.order_id})
        work.tell(question_of(order))
    return True


def _expire(work: UnitOfWork, order: model.Order, now: datetime, real_now: datetime) -> bool:
    if now < order.expires_at:
        return False
    over = model.Input.LAST_DAY_OVER
    return step(work, order, over, at=now, real_now=real_now) is not order


def _each(
    database: ServiceDatabase,
    order_ids: Iterable[str],
    move: Callable[[UnitOfWork, model.Order], bool],
) -> int:
    """Move each order as it is when its turn comes; return how many moved."""
    moved = 0
    for order_id in order_ids:
        try:
            moved += database.unit_of_work(_of_order(order_id, move))
        except Alarm as alarm:
            # One order's trouble is told to operators and holds nobody else up.
            raise_alarm(database, alarm.kind, alarm.about, alarm.detail)
    return moved


def _of_order(
    order_id: str, move: Callable[[UnitOfWork, model.Order], bool]
) -> Callable[[UnitOfWork], bool]:
    def body(work: UnitOfWork) -> bool:
        order = repository.order_in(work, order_id)
        return order is not None and move(work, order)

    return body
