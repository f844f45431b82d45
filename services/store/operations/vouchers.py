"""Vouchers: shown to who ordered, verified by the merchant's staff, guessed by nobody."""

from __future__ import annotations

from datetime import datetime

from services.store import model, repository
from services.store.operations.merchants import own_merchant
from services.store.operations.moves import step, stock_lock
from services.store.operations.shown import Shown, shown_use
from services.store.settings import StoreSettings
from shared.auth import Principal
from shared.errors import NotThere
from shared.mongo import ServiceDatabase, UnitOfWork


def voucher(
    database: ServiceDatabase,
    *,
    who: Principal,
    order_id: str,
    now: datetime,
    settings: StoreSettings,
) -> Shown:
    """Return an own order's code, computed again; refused as a scan of it would be now."""
    order = repository.own_order(database, order_id, who.person_id)
    if order is None:
        raise NotThere()
    cell = model.cell(order.state, model.scan_of(order, now=now))
    if isinstance(cell, model.Forbidden):
        raise cell.refusal()
    key = settings.voucher_keys.keys.get(order.key_id)
    if key is None:
        raise model.VoucherKeyGone()
    return {
        "order_id": order.order_id,
        "code": model.grouped(model.code_of(order.order_id, key=key)),
        "last_day": order.last_day,
        "item": order.item_title,
        "pieces": order.pieces,
        "merchant_id": order.merchant_id,
    }


def stock_of_code(database: ServiceDatabase, code: str) -> str | None:
    """Return the name of the lock on the stock that a code would move; None where none would."""
    try:
        code_hash = model.hash_of(model.read_code(code))
    except model.MistypedVoucher:
        return None
    order = repository.order_of_code(database, code_hash)
    if order is None or order.state is not model.State.CONFIRMED:
        return None
    return stock_lock(order.item_id)


def use_voucher(
    work: UnitOfWork,
    *,
    who: Principal,
    merchant_id: str,
    code: str,
    now: datetime,
    real_now: datetime,
) -> Shown:
    """Use a voucher of the merchant for which this person acts; the goods may be handed over.

    A code that is nobody's, or another merchant's, counts as a guess; when too many were wrong in
    this hour, none is looked at. A code whose check does not hold is a slip, not a guess.
    """
    merchant = own_merchant(work, merchant_id, who)
    if merchant.status is model.MerchantStatus.SUSPENDED:
        raise model.MerchantSuspended()
    _check_guesses(work, who, merchant_id, real_now)
    try:
        order = _order_of_code(work, who, merchant_id, code)
    except model.WrongVoucher as wrong:
        wrong.leave = lambda later: _leave_guess(later, who, merchant_id, real_now)
        raise
    scan = model.scan_of(order, now=now)
    used = step(work, order, scan, at=now, real_now=real_now, used_by=who.person_id)
    return shown_use(used)


def _order_of_code(work: UnitOfWork, who: Principal, merchant_id: str, code: str) -> model.Order:
    order = repository.order_of_code_in(work, model.hash_of(model.read_code(code)))
    if order is None:
        raise model.UnknownVoucher()
    model.check_bearer(order, merchant_id=merchant_id, staff_id=who.person_id)
    return order


def _check_guesses(
    work: UnitOfWork, who: Principal, merchant_id: str, real_now: datetime
) -> dict[str, int]:
    most = model.counters_of(merchant_id=merchant_id, person_id=who.person_id, real_now=real_now)
    wrong = repository.wrong_guesses(work, most)
    model.check_guesses(wrong, most, real_now=real_now)
    return wrong


def _leave_guess(work: UnitOfWork, who: Principal, merchant_id: str, real_now: datetime) -> None:
    """Count a wrong code in the transaction that keeps its refusal.

    Looked at once more there: of many wrong codes at once, exactly as many as the limit allows are
    answered, and the others are told that they are too many.
    """
    wrong = _check_guesses(work, who, merchant_id, real_now)
    most = model.counters_of(merchant_id=merchant_id, person_id=who.person_id, real_now=real_now)
    repository.count_wrong_guess(work, most, wrong, at=real_now)
