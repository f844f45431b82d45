"""The only clock. An architecture test forbids ``datetime.now`` and ``time.time`` elsewhere.

Deadlines, minutes, vouchers, lots, check-in codes and postings use :func:`now`; time-outs, waits
before asking again, token life and measured latencies use :func:`real_now` or :func:`monotonic`.
In embedded mode ``now`` adds an offset read from a file, so that a day can be played in a minute
by all processes at once, and a test may give one process an error besides.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_RELOAD_S = 0.05


class _Offset:
    """The offset file's seconds, read again at most every 50 ms."""

    def __init__(self, path: Path | None = None, error: timedelta = timedelta()) -> None:
        self.path = path
        self.error = error
        self._read_at = -1.0
        self._value = timedelta()

    def value(self) -> timedelta:
        if self.path is None:
            return timedelta()
        at = time.monotonic()
        if at - self._read_at >= _RELOAD_S:
            try:
                text = self.path.read_text().strip()
                # Forwards only: a half-written or older figure never takes time back.
                self._value = max(self._value, timedelta(seconds=float(text or 0)))
            except (FileNotFoundError, ValueError):
                pass
            self._read_at = at
        return self._value


_offset = _Offset()


def use(*, offset_file: str | None, error_s: float) -> None:
    """Take the offset file and the test error from the settings, once, when a process starts."""
    global _offset  # noqa: PLW0603 - one or the other, whole, for who reads the time meanwhile
    _offset = _Offset(Path(offset_file) if offset_file else None, timedelta(seconds=error_s))


def now() -> datetime:
    """Return the time that the rules go by: aware, UTC, whole milliseconds."""
    return _whole_ms(real_now() + _offset.value())


def real_now() -> datetime:
    """Return this machine's time without the embedded offset: aware, UTC, whole milliseconds."""
    return _whole_ms(datetime.fromtimestamp(time.time(), UTC) + _offset.error)


def monotonic() -> float:
    """Return seconds that only grow, for waiting and measuring."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait; the one place where a process sleeps without listening for its end."""
    time.sleep(seconds)


def advance_file(path: str | os.PathLike[str], seconds: float) -> None:
    """Set the embedded offset for all processes that read this file (demo and tests)."""
    target = Path(path)
    new = target.with_suffix(".new")
    new.write_text(f"{seconds:.3f}\n")
    new.replace(target)


def to_ms(moment: datetime) -> int:
    """Return whole milliseconds since 1970, UTC."""
    return round(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Return the moment of whole milliseconds since 1970: aware, UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def local_date(moment: datetime, zone: ZoneInfo) -> str:
    """Return the day of a moment in the district's zone: ``2026-11-22``."""
    return moment.astimezone(zone).date().isoformat()


def local_month(moment: datetime, zone: ZoneInfo) -> str:
    """Return the month of a moment in the district's zone: ``2026-11``."""
    return local_date(moment, zone)[:7]


def _whole_ms(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
