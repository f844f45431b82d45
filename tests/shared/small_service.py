"""What the small service of these tests hears, and what it makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.errors import Alarm, Refusal
from shared.events.store import OrderPlaced
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.worker.handling import Subscriptions
from tests.shared.test_unit_of_work import order_placed


def on_order_placed(work: UnitOfWork, event: OrderPlaced, now: datetime) -> None:
    if event.pieces == 13:
        raise Refusal("thirteen")
    if event.pieces == 14:
        raise Alarm("fourteen", event.order_id)
    if event.pieces == 15:
        raise KeyError("a fault of ours")
    if event.pieces == 16:
        work.db.effects.insert_one({"_id": "good1"}, session=work.session)  # it is there already
    effect = {"$inc": {"heard": event.pieces}}
    work.db.effects.update_one({"_id": event.order_id}, effect, upsert=True, session=work.session)


SUBSCRIPTIONS: Subscriptions = {OrderPlaced: on_order_placed}


def placed(order_id: str, *, pieces: int = 1, version: int = 1) -> OrderPlaced:
    event = order_placed(order_id, version)
    return replace(event, pieces=pieces)


def effect(hearer: ServiceDatabase, order_id: str) -> int:
    row = hearer.db.effects.find_one({"_id": order_id})
    return row["heard"] if row else 0
