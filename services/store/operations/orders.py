"""Orders by people: place, cancel, see."""

from __future__ import annotations

from datetime import datetime

from services.store import model, repository
from services.store.operations.moves import event_of, step
from services.store.operations.shown import Shown, shown_order
from services.store.settings import StoreSettings
from shared import clock, ids
from shared.asking import next_ask
from shared.auth import Principal
from shared.errors import Alarm, NotThere
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.rules import rule_at


def place_order(
    work: UnitOfWork,
    *,
    buyer: Principal,
    item_id: str,
    pieces: int,
    now: datetime,
    real_now: datetime,
    settings: StoreSettings,
) -> Shown:
    """Reserve pieces for a person and ask the ledger to set the points aside.

    Refused where the item cannot be ordered now, by this person, or this month, and where fewer
    pieces are free.
    """
    item = repository.item_in(work, item_id)
    if item is None:
        raise NotThere()
    rules, ordered = _open_to(work, item, buyer=buyer, pieces=pieces, now=now, settings=settings)
    order = _new_order(
        item, rules, buyer=buyer, pieces=pieces, now=now, real_now=real_now, settings=settings
    )
    # The stock is the contended thing, so it is the first that is written. Where the same snapshot
    # shows too few, the update would change nothing, so it is not asked for.
    if item.free < pieces or not repository.reserve_stock(work, item_id=item_id, pieces=pieces):
        raise model.OutOfStock(free=item.free)
    _count(work, order, seen=ordered)
    repository.add_order(work, order)
    work.tell(event_of(order, model.Told.ORDER_PLACED, at=now))
    return shown_order(order)


def refuse_where_sold_out(
    work: UnitOfWork,
    *,
    buyer: Principal,
    item_id: str,
    pieces: int,
    now: datetime,
    settings: StoreSettings,
) -> None:
    """Refuse as an order would where fewer pieces are free. Only reads."""
    item = repository.item_in(work, item_id)
    if item is None or item.free >= pieces:
        return
    _open_to(work, item, buyer=buyer, pieces=pieces, now=now, settings=settings)
    raise model.OutOfStock(free=item.free)


def cancel_order(
    work: UnitOfWork, *, who: Principal, order_id: str, now: datetime, real_now: datetime
) -> Shown:
    """Give an own order up; its pieces are free again when the ledger has released the points.

    Refused where its voucher was used or the order was refused; asked again, the same answer.
    """
    order = repository.own_order_in(work, order_id, who.person_id)
    if order is None:
        raise NotThere()
    return shown_order(step(work, order, model.Input.CANCEL, at=now, real_now=real_now))


def order(database: ServiceDatabase, *, who: Principal, order_id: str) -> Shown:
    """Return an own order as it is now."""
    found = repository.own_order(database, order_id, who.person_id)
    if found is None:
        raise NotThere()
    return shown_order(found)


def orders(
    database: ServiceDatabase, *, who: Principal, before: str | None, limit: int
) -> list[Shown]:
    """Return a person's own orders, newest first, one more than ``limit``."""
    found = repository.orders_of_person(database, who.person_id, before=before, limit=limit + 1)
    return [shown_order(one) for one in found]


def _open_to(
    work: UnitOfWork,
    item: model.Item,
    *,
    buyer: Principal,
    pieces: int,
    now: datetime,
    settings: StoreSettings,
) -> tuple[model.Rules, int | None]:
    """Return the rules and what the month's counter holds; refuses all but for want of pieces."""
    merchant = repository.merchant_in(work, item.merchant_id)
    if merchant is None:
        raise NotThere()
    model.check_on_sale(item, merchant, now=now)
    status = repository.status_of(work, buyer.person_id)
    model.check_buyer(merchant, person_id=buyer.person_id, status=status)
    rules = rule_at(work, item.district, now, model.Rules())
    month = clock.local_month(now, settings.time_zone)
    ordered = repository.ordered_pieces(
        work, person_id=buyer.person_id, item_id=item.item_id, month=month
    )
    model.check_limit(item, rules, ordered=ordered or 0, pieces=pieces)
    model.amount_of(item, pieces=pieces)
    return rules, ordered


def _new_order(
    item: model.Item,
    rules: model.Rules,
    *,
    buyer: Principal,
    pieces: int,
    now: datetime,
    real_now: datetime,
    settings: StoreSettings,
) -> model.Order:
    zone = settings.time_zone
    order_id = ids.new_id()
    key_id, key = settings.voucher_keys.current
    last_day, expires_at = model.last_day_of(
        placed_at=now, days=model.voucher_days_of(item, rules), zone=zone
    )
    return model.Order(
        order_id=order_id,
        district=item.district,
        zone=zone.key,
        merchant_id=item.merchant_id,
        item_id=item.item_id,
        item_title=item.title,
        volunteer_id=buyer.person_id,
        pieces=pieces,
        price=item.price,
        amount=model.amount_of(item, pieces=pieces),
        month=clock.local_month(now, zone),
        code_hash=model.hash_of(model.code_of(order_id, key=key)),
        key_id=key_id,
        last_day=last_day,
        expires_at=expires_at,
        placed_at=now,
        give_up_at=real_now + model.GIVE_UP_AFTER,
        ask_at=real_now + next_ask(0),
    )


def _count(work: UnitOfWork, order: model.Order, *, seen: int | None) -> None:
    """Raise the counter that every order of this person, item and month writes."""
    if seen is None:
        repository.begin_counter(
            work,
            person_id=order.volunteer_id,
            item_id=order.item_id,
            month=order.month,
            pieces=order.pieces,
        )
        return
    raised = repository.raise_counter(
        work,
        person_id=order.volunteer_id,
        item_id=order.item_id,
        month=order.month,
        seen=seen,
        pieces=order.pieces,
    )
    if not raised:
        raise Alarm("counter-changed-unseen", order.order_id)
