"""The collection ``orders``: one document each; what moves it is guarded by state and version."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from services.store.model import Order, State
from shared.asking import LONG_AGO
from shared.mongo import Document, ServiceDatabase, UnitOfWork

_NAMES = tuple(field.name for field in fields(Order) if field.name != "order_id")


def add_order(work: UnitOfWork, order: Order) -> None:
    """Keep a new order."""
    work.db.orders.insert_one({"_id": order.order_id, **_values(order)}, session=work.session)


def move_order(work: UnitOfWork, before: Order, after: Order) -> bool:
    """Save an order over the one that was read; False where another has moved it meanwhile."""
    old, new = _values(before), _values(after)
    changed = {name: value for name, value in new.items() if old[name] != value}
    moved = work.db.orders.update_one(
        {"_id": before.order_id, "state": before.state.value, "version": before.version},
        {"$set": changed},
        session=work.session,
    )
    return moved.matched_count == 1


def order_in(work: UnitOfWork, order_id: str) -> Order | None:
    """Return an order as the transaction sees it."""
    return _read(work.db.orders.find_one({"_id": order_id}, session=work.session))


def own_order_in(work: UnitOfWork, order_id: str, volunteer_id: str) -> Order | None:
    """Return an order as the transaction sees it, where it is this person's."""
    which = {"_id": order_id, "volunteer_id": volunteer_id}
    return _read(work.db.orders.find_one(which, session=work.session))


def order_of_code_in(work: UnitOfWork, code_hash: str) -> Order | None:
    """Return the order whose voucher has this code's hash, as the transaction sees it."""
    return _read(work.db.orders.find_one({"code_hash": code_hash}, session=work.session))


def order(database: ServiceDatabase, order_id: str) -> Order | None:
    """Return an order as it is now."""
    return _read(database.db.orders.find_one({"_id": order_id}))


def own_order(database: ServiceDatabase, order_id: str, volunteer_id: str) -> Order | None:
    """Return an order as it is now, where it is this person's."""
    return _read(database.db.orders.find_one({"_id": order_id, "volunteer_id": volunteer_id}))


def order_of_code(database: ServiceDatabase, code_hash: str) -> Order | None:
    """Return the order whose voucher has this code's hash, as it is now."""
    return _read(database.db.orders.find_one({"code_hash": code_hash}))


def orders_of_person(
    database: ServiceDatabase, volunteer_id: str, *, before: str | None, limit: int
) -> list[Order]:
    """Return a person's orders, newest first."""
    which: Document = {"volunteer_id": volunteer_id}
    if before is not None:
        which["_id"] = {"$gt": "", "$lt": before}
    found = database.db.orders.find(which).sort("_id", -1).limit(limit)
    return [order_of(document) for document in found]


def orders_to_ask(database: ServiceDatabase, *, real_now: datetime, limit: int) -> list[str]:
    """Return the ids of orders whose open question is due to be asked again."""
    return _ids(database, {"ask_at": {"$gte": LONG_AGO, "$lte": real_now}}, limit)


def orders_past_last_day(database: ServiceDatabase, *, now: datetime, limit: int) -> list[str]:
    """Return the ids of orders whose voucher was not used on its last day either."""
    which = {
        "state": State.CONFIRMED.value,
        "expires_at": {"$gte": LONG_AGO, "$lte": now},
    }
    return _ids(database, which, limit)


def order_of(document: Document) -> Order:
    """Return the order of a document."""
    values: dict[str, Any] = {name: document[name] for name in _NAMES}
    values["state"] = State(document["state"])
    return Order(order_id=document["_id"], **values)


def _values(one: Order) -> Document:
    return {name: getattr(one, name) for name in _NAMES} | {"state": one.state.value}


def _ids(database: ServiceDatabase, which: Document, limit: int) -> list[str]:
    found = database.db.orders.find(which, projection={"_id": 1}).limit(limit)
    return [document["_id"] for document in found]


def _read(document: Document | None) -> Order | None:
    return None if document is None else order_of(document)
