"""From a message as it came to an event of ours, or the reason why it is none."""

from __future__ import annotations

from dataclasses import dataclass

from shared import events
from shared.events import Event, Undecodable
from shared.kafka import Message

BODY_MAX = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message that is an event: what it says and where it came from."""

    id: str
    type: str
    event: Event
    correlation: str
    message: Message


@dataclass(frozen=True, kw_only=True)
class Unheard:
    """A message that nobody can handle, and why."""

    id: str
    reason: str
    message: Message


def read(message: Message, log_id: str) -> Heard | Unheard:
    """Return the event of a message, or the reason why it is none.

    An event needs an id, a type that ``shared.events`` knows, the source that owns the topic, and
    a body of ≤ 64 KiB that decodes to what the id and the key name.
    """
    headers = message.headers
    event_id = headers.get("ce_id", "")
    place = f"{log_id}:{message.partition}:{message.offset}"
    kind = headers.get("ce_type", "")
    if not event_id or len(event_id) > 200 or "\x00" in event_id:
        return Unheard(id=place, reason="no event id", message=message)
    if kind not in events.EVENTS:
        return Unheard(id=event_id, reason=f"unknown type {kind[:80]!r}", message=message)
    source = headers.get("ce_source", "")
    if source != events.source_of(kind) or events.topic_of(source) != message.topic:
        reason = f"source {source[:40]!r} does not own {kind} on {message.topic}"
        return Unheard(id=event_id, reason=reason, message=message)
    if len(message.body) > BODY_MAX:
        return Unheard(id=event_id, reason="the body is too large", message=message)
    try:
        event = events.decode(kind, message.body)
    except Undecodable as error:
        return Unheard(id=event_id, reason=str(error), message=message)
    if not event.is_named(event_id) or message.key != event.key.encode():
        # Kept by its place: under this id and in this order something else was told.
        return Unheard(id=place, reason=f"{event_id} names another event", message=message)
    return Heard(
        id=event_id,
        type=kind,
        event=event,
        correlation=headers.get("traceparent", ""),
        message=message,
    )
