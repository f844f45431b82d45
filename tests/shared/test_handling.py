"""An event has its effect and its mark in one transaction: both, or neither."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from shared import clock, events
from shared.events.store import OrderPlaced
from shared.kafka import Message
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.worker import Heard, TransactionHearer
from shared.worker.heard import read
from tests.shared.test_unit_of_work import order_placed

pytestmark = pytest.mark.servers


def count(work: UnitOfWork, event: OrderPlaced, now: datetime) -> None:
    which, once_more = {"_id": event.order_id}, {"$inc": {"heard": 1}}
    work.db.effects.update_one(which, once_more, upsert=True, session=work.session)


def heard(order_id: str, offset: int) -> Heard:
    event = order_placed(order_id, 1)
    found = read(
        Message(
            topic="store.events",
            partition=0,
            offset=offset,
            at_ms=0,
            key=event.key.encode(),
            headers={"ce_id": f"{order_id}:1", "ce_type": "OrderPlaced", "ce_source": "store"},
            body=json.dumps(events.encode(event)).encode(),
        ),
        "log",
    )
    assert isinstance(found, Heard)
    return found


@pytest.mark.parametrize("together", [1, 3])
def test_an_event_whose_commit_failed_is_not_marked_heard(
    database: ServiceDatabase, first_commit_fails: list[int], together: int
) -> None:
    hearer = TransactionHearer(database, {OrderPlaced: count})
    messages = [heard(f"o{number}", number) for number in range(together)]

    assert list(hearer.handle(messages, clock.now())) == []
    assert list(hearer.handle(messages, clock.now())) == []

    assert first_commit_fails
    assert [row["heard"] for row in database.db.effects.find({})] == [1] * together
    assert database.db.inbox.count_documents({}) == together
