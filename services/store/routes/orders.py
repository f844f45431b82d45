"""Orders and vouchers over HTTP: place, cancel, show, verify."""

from __future__ import annotations

from typing import Any, cast

from services.store import operations
from services.store.schemas import (
    OrderPage,
    OrderShown,
    PlaceOrder,
    UseVoucher,
    VoucherShown,
    VoucherUse,
)
from services.store.settings import StoreSettings
from shared import clock
from shared.auth import Role
from shared.web import (
    Blueprint,
    PageQuery,
    Waiter,
    also,
    once,
    page,
    principal,
    requires,
    service_db,
)

orders = Blueprint("orders", __name__, url_prefix="/v1", description="兑换 · Orders and vouchers")

_DECIDED = Waiter(service_db, "orders", done=lambda order: order["state"] != "PLACED")
_CANCELLED = Waiter(service_db, "orders", done=lambda order: order["state"] != "CANCELLING")
_ANSWERED = Waiter(service_db, "orders", done=lambda order: order["ask_at"] is None)


@orders.post("/orders")
@requires(Role.VOLUNTEER)
@orders.arguments(PlaceOrder)
@orders.response(202, OrderShown)
def place_order(body: dict[str, Any]) -> Any:
    """Ask to redeem an item; the voucher comes when the ledger has set the points aside."""
    who, settings = principal(), _settings()
    return once(
        lambda work: operations.place_order(
            work,
            buyer=who,
            now=clock.now(),
            real_now=clock.real_now(),
            settings=settings,
            **body,
        ),
        status=202,
        holding=operations.stock_lock(body["item_id"]),
        look=lambda work: operations.refuse_where_sold_out(
            work, buyer=who, now=clock.now(), settings=settings, **body
        ),
        renew=lambda answer: operations.order(service_db(), who=who, order_id=answer["order_id"]),
        wait=lambda answer, seconds: _DECIDED.wait(answer["order_id"], seconds),
    )


@orders.get("/orders")
@requires(Role.VOLUNTEER)
@orders.arguments(PageQuery, location="query")
@orders.response(200, OrderPage)
def list_orders(query: dict[str, Any]) -> dict[str, Any]:
    """List one's own orders, newest first."""
    limit = query["limit"]
    found = operations.orders(service_db(), who=principal(), before=query["after"], limit=limit)
    return page(found, limit, key=lambda order: str(order["order_id"]))


@orders.get("/orders/<order_id>")
@requires(Role.VOLUNTEER)
@orders.response(200, OrderShown)
def show_order(order_id: str) -> dict[str, Any]:
    """Show an own order; with ``Prefer: wait`` once the ledger has answered what is open."""
    database, who = service_db(), principal()
    operations.order(database, who=who, order_id=order_id)
    _ANSWERED.wait(order_id)
    return operations.order(database, who=who, order_id=order_id)


@orders.post("/orders/<order_id>/cancellations")
@requires(Role.VOLUNTEER)
@orders.response(202, OrderShown)
def cancel_order(order_id: str) -> Any:
    """Give an own order up; it is over when the ledger has released the points."""
    who = principal()
    return once(
        lambda work: operations.cancel_order(
            work, who=who, order_id=order_id, now=clock.now(), real_now=clock.real_now()
        ),
        status=202,
        renew=lambda answer: operations.order(service_db(), who=who, order_id=answer["order_id"]),
        wait=lambda answer, seconds: _CANCELLED.wait(answer["order_id"], seconds),
    )


@orders.get("/orders/<order_id>/voucher")
@requires(Role.VOLUNTEER)
@orders.response(200, VoucherShown)
@also(409, "The order has no voucher now: it is not confirmed yet, or it is over.")
def show_voucher(order_id: str) -> dict[str, Any]:
    """Show the code of an own order's voucher while it can be used."""
    return operations.voucher(
        service_db(),
        who=principal(),
        order_id=order_id,
        now=clock.now(),
        settings=_settings(),
    )


@orders.post("/merchants/<merchant_id>/voucher-uses")
@requires(Role.MERCHANT)
@orders.arguments(UseVoucher)
@orders.response(201, VoucherUse)
@also(410, "The voucher's last day is over.")
def use_voucher(body: dict[str, Any], merchant_id: str) -> Any:
    """Verify and use a voucher of one's merchant; answered at once, since the points are held."""
    who = principal()
    return once(
        lambda work: operations.use_voucher(
            work,
            who=who,
            merchant_id=merchant_id,
            now=clock.now(),
            real_now=clock.real_now(),
            **body,
        ),
        holding=operations.stock_of_code(service_db(), body["code"]),
    )


def _settings() -> StoreSettings:
    return cast("StoreSettings", service_db().settings)
