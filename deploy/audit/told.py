"""Invariant 9, first half: what was saved to be told was told, and lies in its topic in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.audit.logs import Logs
from deploy.audit.report import Invariant
from deploy.audit.sources import Document, Sources
from shared.kafka import Message

HORIZON = timedelta(days=8)
"""What is told again on a new log goes back this far."""
CLOCK_SLACK = timedelta(minutes=5)
"""The broker stamps a message, the relay its row: two clocks and a moment lie between."""
STEP = 2000


def as_sent(kind: str, key: str, body: str | bytes) -> bytes:
    """Return what tells two events apart, byte for byte: a row is sent as it was saved."""
    sent = body.encode() if isinstance(body, str) else body
    return hashlib.sha256(b"\n".join((kind.encode(), key.encode(), sent))).digest()[:12]


def as_meant(kind: str, key: str, body: Any) -> bytes:
    """Return what tells two events apart, by what their bodies say."""
    return as_sent(kind, key, json.dumps(body, sort_keys=True))


def as_meant_in(kind: str, key: str, body: bytes) -> bytes:
    """Return the same of a body as it came."""
    try:
        return as_meant(kind, key, json.loads(body))
    except (ValueError, RecursionError):
        return b""


@dataclass(slots=True)
class Expected:
    """An event that the log must hold: its place in its aggregate's order, and its content."""

    aggregate: str
    version: int
    content: bytes
    required: bool
    seen: bool = False


class Told:
    """One service's events, as they were saved, held against its topic."""

    def __init__(
        self,
        service: str,
        log_id: str | None,
        found: Invariant,
        content: Callable[[str, str, bytes], bytes] = as_sent,
    ) -> None:
        self.service = service
        self._content = content
        self.log_id = log_id
        self._found = found
        self.expected: dict[str, Expected] = {}
        self.set_aside: set[str] = set()
        """Ids of dead letters, here of any service that hears: a fault put these messages there."""

    def expect(self, event_id: str, event: Expected) -> None:
        """Note an event that was saved."""
        self.expected[event_id] = event

    def check_topic(self, sources: Sources, logs: Logs, *, cut: bool = False) -> None:
        """Read the topic from its beginning and look for every event, in order.

        With ``cut``, retention took the log's first part: of each aggregate the log must hold what
        comes after the first that it still has.
        """
        last: dict[str, tuple[int, int, int]] = {}
        what, of = f"kafka {self.service}.events", logs.size(self.service)
        for done, message in enumerate(logs.messages(self.service), start=1):
            self._see(message, last)
            if done % STEP == 0:
                sources.step(what, done, of)
        sources.step(what, of, of)
        first: dict[str, int] = {}
        for event in self.expected.values():
            if event.seen and cut:
                version = min(first.get(event.aggregate, event.version), event.version)
                first[event.aggregate] = version
        for event_id, event in self.expected.items():
            if event.required and (not cut or event.version > first.get(event.aggregate, 0)):
                self._found.looked()
                if not event.seen:
                    self._found.found(
                        f"{self.service}: {event_id} is marked sent and is not in its topic"
                    )

    def _see(self, message: Message, last: dict[str, tuple[int, int, int]]) -> None:
        event_id = message.headers.get("ce_id", "")
        place = f"{message.topic}:{message.partition}:{message.offset}"
        event = self.expected.get(event_id)
        if event is None:
            known = {event_id, f"{self.log_id}:{message.partition}:{message.offset}"}
            if not known & self.set_aside:
                self._found.found(f"{place}: {event_id or 'a message'} was told and never saved")
            return
        kind, key = message.headers.get("ce_type", ""), (message.key or b"").decode()
        if event.content != self._content(kind, key, message.body):
            self._found.found(f"{place}: {event_id} was told otherwise than it was saved")
        if event.seen:
            return
        event.seen = True
        before = last.get(event.aggregate)
        if before is not None and _overtook(event.version, message, *before):
            self._found.found(
                f"{place}: {event_id} was first told out of order with version {before[0]}"
            )
        last[event.aggregate] = (event.version, message.partition, message.at_ms)


def _overtook(version: int, message: Message, other: int, partition: int, at_ms: int) -> bool:
    """Tell whether of two first deliveries of an aggregate the newer version came first.

    Within a partition the offsets say it. After topics were widened an aggregate lies in two, and
    the broker's times do.
    """
    if message.partition == partition:
        return version < other
    return (version < other) != (message.at_ms <= at_ms)


def cut_until(logs: Logs, service: str, now: datetime) -> datetime | None:
    """Return the time before which retention has cut a service's log; None where it is whole."""
    cut = {place for place, start in logs.beginnings(service).items() if start > 0}
    if not cut:
        return None
    first: dict[tuple[str, int], int] = {}
    for message in logs.messages(service):
        place = (message.topic, message.partition)
        if place in cut:
            first.setdefault(place, message.at_ms)
    if cut - first.keys():
        return now
    return datetime.fromtimestamp(max(first.values()) / 1000, UTC) + CLOCK_SLACK


def check_outbox(
    sources: Sources, told: Told, *, cut: datetime | None, now: datetime
) -> dict[str, int]:
    """Look at the mark of every outbox row; return the newest version told of each aggregate."""
    service, found = told.service, told._found
    lowest: dict[str, int] = {}
    newest: dict[str, int] = {}
    rows: dict[str, int] = {}
    for row in _rows(sources, service):
        found.looked()
        aggregate, version = row["aggregate"], row["version"]
        mark = row.get("sent_to")
        rows[aggregate] = rows.get(aggregate, 0) + 1
        lowest[aggregate] = min(lowest.get(aggregate, version), version)
        newest[aggregate] = max(newest.get(aggregate, 0), version)
        recent = row["told_at"] >= now - HORIZON + CLOCK_SLACK
        if row["_id"] != f"{aggregate}:{version}":
            found.found(f"{service}: {row['_id']} is not the id of version {version}")
        if mark is None:
            found.found(f"{service}: {row['_id']} is not marked sent")
        elif mark != told.log_id and recent:
            found.found(f"{service}: {row['_id']} is marked sent to another log")
        elif mark == told.log_id and row.get("sent_at") is None:
            found.found(f"{service}: {row['_id']} has a log and no time in its mark")
        in_log = mark == told.log_id and (cut is None or row.get("sent_at", now) > cut)
        told.expect(
            row["_id"],
            Expected(aggregate, version, as_sent(row["type"], row["key"], row["body"]), in_log),
        )
    for aggregate, count in rows.items():
        if newest[aggregate] - lowest[aggregate] + 1 != count:
            found.found(f"{service}: between the events of {aggregate} a version is missing")
    return newest


def check_versions(
    sources: Sources,
    service: str,
    owners: str,
    newest: dict[str, int],
    found: Invariant,
    *,
    whole: bool,
) -> None:
    """Hold each aggregate's own count of events told against the events that were saved.

    Sent rows go after 30 days, so one may have none left; with ``whole`` none can be gone yet.
    """
    left = set(newest)
    for owner in sources.scan(service, owners, ("version",)):
        aggregate = str(owner["_id"])
        left.discard(aggregate)
        found.looked()
        saved = newest.get(aggregate)
        if saved != owner["version"] and (saved is not None or whole):
            found.found(
                f"{service}: {aggregate} says that it told {owner['version']} events, "
                f"the newest in the outbox is {saved or 'none'}"
            )
    for aggregate in left:
        found.found(f"{service}: events of {aggregate}, which is not there")


def _rows(sources: Sources, service: str) -> Iterator[Document]:
    fields = ("aggregate", "version", "type", "key", "body", "told_at", "sent_to", "sent_at")
    yield from sources.scan(service, "outbox", fields)
