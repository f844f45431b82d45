"""The map of the whole conversation: one file per service that tells, one class per event.

The class name is the wire type; the body is JSON of the fields. No personal data: ids only. A
breaking change is a new class. Standard library only, so that anyone can read an event with this.
"""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, ClassVar, get_type_hints

from shared.events import activities, ledger, store, volunteers
from shared.events.envelope import Event

__all__ = ["EVENTS", "SOURCES", "Event", "Undecodable", "decode", "encode", "source_of", "topic_of"]

_MODULES = (volunteers, activities, store, ledger)

EVENTS: dict[str, type[Event]] = {
    kind.__name__: kind for module in _MODULES for kind in module.EVENTS
}
"""Every event by its wire type."""

SOURCES: dict[str, str] = {
    kind.__name__: module.__name__.rpartition(".")[2]
    for module in _MODULES
    for kind in module.EVENTS
}
"""The service that tells each event."""


class Undecodable(Exception):
    """The message is no event of ours; the reason says why."""


def source_of(kind: type[Event] | str) -> str:
    """Return the service that tells this event."""
    return SOURCES[kind if isinstance(kind, str) else kind.__name__]


def topic_of(service: str) -> str:
    """Return the topic on which a service tells its events."""
    return f"{service}.events"


def encode(event: Event) -> dict[str, Any]:
    """Return an event's body as JSON can hold it: times as ISO 8601 in UTC with milliseconds."""
    return {field.name: _plain(getattr(event, field.name)) for field in fields(event)}


def decode(kind: str, body: bytes | str) -> Event:
    """Return the event of a body; raise :class:`Undecodable` for anything that is not one.

    Unknown fields are passed over, so that an older hearer understands a newer teller.
    """
    cls = EVENTS.get(kind)
    if cls is None:
        raise Undecodable(f"no event is called {kind[:80]!r}")
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        raise Undecodable("the body is not JSON") from None
    if not isinstance(values, dict):
        raise Undecodable("the body is not a JSON object")
    hints = _hints(cls)
    known = {
        name: _typed(name, hints[name], value) for name, value in values.items() if name in hints
    }
    try:
        return cls(**known)
    except TypeError:
        missing = sorted(set(hints) - set(known))
        raise Undecodable(f"fields missing among: {', '.join(missing)}") from None


_HINTS: dict[type[Event], dict[str, Any]] = {}


def _hints(cls: type[Event]) -> dict[str, Any]:
    if cls not in _HINTS:
        _HINTS[cls] = {
            name: hint
            for name, hint in get_type_hints(cls).items()
            if getattr(hint, "__origin__", None) is not ClassVar
        }
    return _HINTS[cls]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def _typed(name: str, hint: Any, value: Any) -> Any:
    optional = hint == hint | None
    if value is None and optional:
        return None
    expected = str if hint in (str, str | None) else None
    if hint in (int, int | None):
        # bool is an int in Python, and never meant here.
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            return value
    elif hint in (bool, bool | None):
        if isinstance(value, bool):
            return value
    elif hint in (datetime, datetime | None):
        moment = _moment(value)
        if moment is not None:
            return moment
    elif expected is str and isinstance(value, str) and _is_text(value):
        return value
    raise Undecodable(f"field {name} is not what it should be")


def _is_text(value: str) -> bool:
    """Tell whether a database can hold it: no NUL, no half of a character, not endless."""
    if "\x00" in value or len(value) > 1000:
        return False
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        # The second for a moment that is in the year 0 or 10000 in UTC.
        return None
