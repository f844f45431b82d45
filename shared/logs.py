"""Logs as JSON lines on stderr, each with the correlation id that began with the first request.

The correlation is a W3C ``traceparent``: taken from the request or the event that came in, made
where there is none, kept in a context variable, carried by every outbox row. A log line shows its
trace id (32 hex characters). Personal data does not belong in any message or field.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

from shared import clock

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
)
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_KAFKA_LINES_A_MINUTE = 20

_correlation: ContextVar[str] = ContextVar("correlation", default="")


def correlation() -> str:
    """Return the ``traceparent`` of what is going on here; made at the first ask."""
    current = _correlation.get()
    if not current:
        current = _made()
        _correlation.set(current)
    return current


def trace_id() -> str:
    """Return the 32 hex characters that all steps of one story share."""
    return correlation()[3:35]


@contextmanager
def with_correlation(traceparent: str | None) -> Iterator[str]:
    """Work under the correlation that came in, or a new one where none valid came."""
    value = traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else _made()
    token = _correlation.set(value)
    try:
        yield value
    finally:
        _correlation.reset(token)


def configure(*, service: str, slot: str, level: str = "INFO") -> None:
    """Send this process's logs to stderr as JSON lines; called again, it replaces what was set."""
    root = logging.getLogger()
    for former in [h for h in root.handlers if isinstance(h, _Stderr)]:
        root.removeHandler(former)
    handler = _Stderr()
    handler.setFormatter(_JsonLines(service, slot))
    root.addHandler(handler)
    root.setLevel(level)
    # The client's log is noisy in an outage: only warnings, and few of them. The limiter's lines
    # name the address, which is nobody's business; ours name the person's id.
    for quiet in ("kafka", "pymongo", "flask-limiter"):
        logging.getLogger(quiet).setLevel(max(logging.WARNING, root.level))
    handler.addFilter(_Few("kafka", _KAFKA_LINES_A_MINUTE))


class _Stderr(logging.StreamHandler[TextIO]):
    """Writes to what is stderr at the moment, not to what it was when the handler was made."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _JsonLines(logging.Formatter):
    """One line of JSON a record: the usual fields, what ``extra`` brought, the trace."""

    def __init__(self, service: str, slot: str) -> None:
        super().__init__()
        self._fixed = {"service": service, "slot": slot}

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "at": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "trace": trace_id(),
            **self._fixed,
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class _Few(logging.Filter):
    """Lets a logger's family say only so many lines a minute, then how many it kept back."""

    def __init__(self, family: str, lines_max: int) -> None:
        super().__init__()
        self._family = family
        self._lines_max = lines_max
        self._guard = threading.Lock()
        self._minute = -1
        self._said = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.partition(".")[0] != self._family:
            return True
        with self._guard:
            minute = int(clock.monotonic() // 60)
            if minute != self._minute:
                kept_back = max(0, self._said - self._lines_max)
                self._minute, self._said = minute, 0
                if kept_back:
                    record.kept_back = kept_back
            self._said += 1
            return self._said <= self._lines_max


def _made() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
