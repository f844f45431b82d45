"""The relay: what stands in the outbox is sent to its topic, in order per aggregate.

A row is marked with the log it went to only after the broker acknowledged it. A mark of another log
does not count: after the broker lost everything, the rows of the last eight days are told again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Protocol

from pymongo.errors import DuplicateKeyError

from shared import clock, metrics
from shared.kafka import Outgoing, Producer
from shared.mongo import Document, ServiceDatabase

HORIZON = timedelta(days=8)
"""What is told again on a new log goes back this far, real time; Kafka itself keeps 7 days."""

EVERY_S = 0.05
"""How long to rest where nothing was to be told for a while."""
PAGE = 500
ROUND_S_MAX = 1.0
OLD_LOGS_EVERY_S = 5.0


class Relay(Protocol):
    """What the worker's relay loop turns."""

    busy_every_s: float
    """How long to rest between two rounds while there is something to tell, if nobody wakes it."""

    def round(self, producer: Producer, log_id: str) -> int:
        """Send what waits, mark what was acknowledged; return how many were."""

    def oldest_unsent_s(self) -> float:
        """Return how long ago the oldest of what is to be sent was told; 0 where nothing is."""


def note_log(database: ServiceDatabase, log_id: str) -> None:
    """Write a log's id down before the first send to it, so that its rows are found later."""
    if database.db.logs.find_one({"_id": log_id}) is None:
        try:
            database.db.logs.insert_one({"_id": log_id, "first_at": clock.real_now()})
        except DuplicateKeyError:
            return


class OutboxRelay:
    """Tells a service's outbox. Two at once only repeat; the lease saves them the work."""

    # The webs write to the outbox too, and wake nobody.
    busy_every_s = 0.015

    def __init__(self, database: ServiceDatabase) -> None:
        self._database = database
        self._outbox = database.db.outbox
        self._noted: str | None = None
        self._old_logs_at = float("-inf")

    def round(self, producer: Producer, log_id: str) -> int:
        """Send every row that may go now, page after page; return how many were acknowledged."""
        if self._noted != log_id:
            note_log(self._database, log_id)
            self._noted = log_id
        sent = 0
        deadline = clock.monotonic() + ROUND_S_MAX
        for page in _pages(self._waiting(log_id)):
            sent += self._send_page(producer, log_id, page)
            if sent and clock.monotonic() > deadline:
                # More came than a round should take: the lease is to be renewed, a stop to be seen.
                break
        return sent

    def oldest_unsent_s(self) -> float:
        """Return how long the oldest row without a mark has waited; see :class:`Relay`."""
        found = self._outbox.find({"sent_to": None}, {"told_at": 1}).sort("told_at", 1).limit(1)
        return max((_age_s(row) for row in found), default=0.0)

    def _waiting(self, log_id: str) -> Iterator[Document]:
        """Yield rows without a mark and, every five seconds, those marked by an older log."""
        yield from self._outbox.find({"sent_to": None}, batch_size=PAGE)
        if clock.monotonic() - self._old_logs_at < OLD_LOGS_EVERY_S:
            return
        since = clock.real_now() - HORIZON
        for log in list(self._database.db.logs.find({}, limit=1000)):
            if log["_id"] != log_id:
                # Later than now is what a process told whose clock is ahead of this one's.
                recent = {"$gte": since, "$lt": clock.real_now() + HORIZON}
                yield from self._outbox.find(
                    {"sent_to": log["_id"], "told_at": recent}, batch_size=PAGE
                )
        self._old_logs_at = clock.monotonic()

    def _send_page(self, producer: Producer, log_id: str, page: Sequence[Document]) -> int:
        sent = 0
        for wave in self._waves(log_id, page):
            acknowledged = producer.send([outgoing(row) for row in wave])
            done = [row for row, ok in zip(wave, acknowledged, strict=True) if ok]
            self._mark(done, log_id)
            sent += len(done)
            if len(done) < len(wave):
                # A later version must not overtake the one that failed: the next round goes on.
                break
        metrics.EVENTS_SENT.labels(self._database.name).inc(sent)
        return sent

    def _waves(self, log_id: str, page: Sequence[Document]) -> Iterator[list[Document]]:
        """Yield rows such that no aggregate has two in one wave, and lower versions come first."""
        by_aggregate: dict[str, list[Document]] = defaultdict(list)
        for row in page:
            by_aggregate[row["aggregate"]].append(row)
        queues = [sorted(rows, key=lambda row: row["version"]) for rows in by_aggregate.values()]
        held_up = self._held_up([queue[0] for queue in queues], log_id)
        queues = [queue for queue in queues if queue[0]["_id"] not in held_up]
        while queues:
            yield [queue[0] for queue in queues]
            # Only the direct successor may follow; a gap is looked at afresh in the next round.
            queues = [
                queue[1:]
                for queue in queues
                if len(queue) > 1 and queue[1]["version"] == queue[0]["version"] + 1
            ]

    def _held_up(self, rows: Sequence[Document], log_id: str) -> set[str]:
        """Return the ids of rows whose direct predecessor still waits."""
        before = {
            f"{r['aggregate']}:{r['version'] - 1}": r["_id"] for r in rows if r["version"] > 1
        }
        since = clock.real_now() - HORIZON
        held: set[str] = set()
        ids = list(before)
        for start in range(0, len(ids), 50):
            found = self._outbox.find({"_id": {"$in": ids[start : start + 50]}})
            for row in found:
                mark = row.get("sent_to")
                if mark is None or (mark != log_id and row["told_at"] >= since):
                    held.add(before[row["_id"]])
        return held

    def _mark(self, rows: Sequence[Document], log_id: str) -> None:
        """Mark rows as sent to this log, where their mark is still the one that was read."""
        by_mark: dict[str | None, list[str]] = defaultdict(list)
        for row in rows:
            by_mark[row.get("sent_to")].append(row["_id"])
        marked = {"$set": {"sent_to": log_id, "sent_at": clock.real_now()}}
        for mark, ids in by_mark.items():
            for start in range(0, len(ids), 50):
                some = {"_id": {"$in": ids[start : start + 50]}, "sent_to": mark}
                self._outbox.update_many(some, marked)


def outgoing(row: Document) -> Outgoing:
    """Return an outbox row as the wire has it."""
    return Outgoing(
        topic=row["topic"],
        key=row["key"],
        id=row["_id"],
        type=row["type"],
        source=row["source"],
        subject=row["aggregate"],
        at=row["at"].isoformat(),
        correlation=row["correlation"],
        body=row["body"],
    )


def _age_s(row: Document) -> float:
    age: timedelta = clock.real_now() - row["told_at"]
    return max(0.0, age.total_seconds())


def _pages(rows: Iterable[Document]) -> Iterator[list[Document]]:
    walk = iter(rows)
    while page := list(islice(walk, PAGE)):
        yield page
