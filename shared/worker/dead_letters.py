"""Dead letters: messages that a service could not handle, kept before their offset is committed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared import clock, metrics
from shared.kafka import Message, Place
from shared.mongo import Document, ServiceDatabase, UnitOfWork, upsert_all

BODY_KEPT_MAX = 256 * 1024

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """What could not be handled: its id (the event's, or its place in the log) and the reason."""

    id: str
    reason: str
    message: Message


def keep(database: ServiceDatabase, letters: Sequence[DeadLetter]) -> int:
    """Keep dead letters, all in one write; return how many are new and did not only come again.

    A discarded one stays discarded.
    """
    if not letters:
        return 0
    at = clock.real_now()
    # One by one, each would cost its neighbours a synced commit.
    rows = [(letter.id, _came(letter, at)) for letter in letters]
    new = [letters[number] for number in upsert_all(database.db.dead_letters, rows)]
    for letter in new:
        message = letter.message
        metrics.DEAD_LETTERS.labels(database.name, message.topic).inc()
        log.error(
            "dead letter",
            extra={
                "letter": letter.id,
                "reason": letter.reason[:500],
                "topic": message.topic,
                "partition": message.partition,
                "offset": message.offset,
            },
        )
    return len(new)


def _came(letter: DeadLetter, at: datetime) -> Document:
    message = letter.message
    came = {"$inc": {"count": 1}, "$set": {"last_at": at, "reason": letter.reason[:500]}}
    first: Document = {
        "state": "open",
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "at_ms": message.at_ms,
        "key": message.key,
        "headers": [[name, value] for name, value in message.headers.items()],
        "body": message.body[:BODY_KEPT_MAX],
        "body_bytes": len(message.body),
        "first_at": at,
    }
    return {**came, "$setOnInsert": first}


def settle(database: ServiceDatabase, ids: Sequence[str], work: UnitOfWork | None = None) -> None:
    """Mark open dead letters of these events as settled: they have been handled after all."""
    database.db.dead_letters.update_many(
        {"_id": {"$in": list(ids)}, "state": "open"},
        {"$set": {"state": "settled", "settled_at": clock.real_now()}},
        session=work.session if work else None,
    )


def new_since(database: ServiceDatabase, place: Place, since: datetime) -> int:
    """Return how many new dead letters a partition brought since a moment."""
    rows = database.db.dead_letters.find(
        {"topic": place[0], "partition": place[1], "first_at": {"$gte": since}},
        projection={"_id": 1},
        limit=10_001,
    )
    return len(list(rows))


def message_of(row: Document) -> Message:
    """Return a kept dead letter as the message it was."""
    return Message(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        at_ms=row["at_ms"],
        key=row["key"],
        headers=dict(row["headers"]),
        body=bytes(row["body"]),
    )
