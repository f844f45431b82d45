"""People who join: events of one kind, one a person, as a row, as a message and as it is heard."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from shared import clock, events
from shared.events.volunteers import VolunteerRegistered
from shared.kafka import Message, Outgoing
from shared.mongo import Document
from shared.relay import outgoing
from shared.worker import Heard
from shared.worker.heard import read

TOPIC = "volunteers.events"
TYPE = "VolunteerRegistered"
REGION = "430211"


def outbox_rows(people: int) -> list[Document]:
    """Return outbox rows that wait, told one after another."""
    began = clock.real_now() - timedelta(minutes=1)
    return [_row(number, began + timedelta(milliseconds=number)) for number in range(people)]


def outgoings(people: int) -> list[Outgoing]:
    """Return the same as the wire has them."""
    return [outgoing(row) for row in outbox_rows(people)]


def heard(people: int) -> list[Heard]:
    """Return the same as a hearer is given them."""
    found = [read(_message(offset, one), "log") for offset, one in enumerate(outgoings(people))]
    assert all(isinstance(one, Heard) for one in found), found[:1]
    return found  # type: ignore[return-value]


def _message(offset: int, one: Outgoing) -> Message:
    return Message(
        topic=one.topic,
        partition=0,
        offset=offset,
        at_ms=0,
        key=one.key.encode(),
        headers={name: value.decode() for name, value in one.headers()},
        body=one.body.encode(),
    )


def _row(number: int, at: datetime) -> Document:
    event = VolunteerRegistered(
        volunteer_id=f"person-{number}",
        version=1,
        number=f"{number:08}",
        region=REGION,
        status="active",
        at=at,
    )
    return {
        "_id": f"{event.aggregate}:1",
        "aggregate": event.aggregate,
        "version": 1,
        "topic": TOPIC,
        "key": event.key,
        "type": TYPE,
        "source": "volunteers",
        "body": json.dumps(events.encode(event), ensure_ascii=False),
        "at": at,
        "told_at": at,
        "correlation": "",
    }
