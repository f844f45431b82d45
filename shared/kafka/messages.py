"""What goes over the wire, as values: an event going out, a message come in, messages missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str, int]
"""A topic and one of its partitions."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One event on its way out, as the wire has it."""

    topic: str
    key: str
    id: str
    type: str
    source: str
    subject: str
    at: str
    correlation: str
    body: str

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the CloudEvents attributes."""
        values = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_subject": self.subject,
            "ce_time": self.at,
            "traceparent": self.correlation,
            "content-type": "application/json",
        }
        return [(name, value.encode()) for name, value in values.items() if value]


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message as it came, not looked into."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    """The broker's timestamp."""
    key: bytes | None
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, kw_only=True)
class Missed:
    """Messages that retention deleted before this group had heard them."""

    topic: str
    partition: int
    count: int
    last_heard_ms: int | None
    """The broker's time of the last message heard, where known."""


def message_of(record: Any) -> Message:
    """Return one of the client's records as a message."""
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at_ms=record.timestamp,
        key=record.key,
        headers={
            name: (value or b"").decode("utf-8", "replace") for name, value in record.headers or []
        },
        body=record.value or b"",
    )
