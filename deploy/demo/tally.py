"""What the people of the day saw happen, counted as it happens."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deploy.demo.client import Body, Refused
from shared import clock

Answer = TypeVar("Answer")


class NotAsPlanned(Exception):
    """Something happened that the rules forbid, or something that had to happen did not."""


@dataclass
class Tally:
    """Counts, refusals by their code, and how long people waited; safe between threads."""

    counts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    waited_ms: dict[str, list[float]] = field(default_factory=dict)
    imported: dict[str, Any] = field(
        default_factory=lambda: {"rows": 0, "published": 0, "rejected": []}
    )
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str, times: int = 1) -> None:
        """Note that something happened."""
        with self._guard:
            self.counts[what] += times

    def refuse(self, code: str) -> None:
        """Note that somebody was told no."""
        with self._guard:
            self.refused[code] += 1

    def ask(self, what: str, call: Callable[[], Body]) -> Body | None:
        """Return the answer and count it; None where it was refused, counted ``<what>_refused``."""
        try:
            answer = call()
        except Refused as refused:
            self.refuse(refused.code)
            self.count(f"{what}_refused")
            return None
        self.count(what)
        return answer

    def must_refuse(self, code: str, call: Callable[[], Body]) -> None:
        """Ask for what the rules forbid; raise `NotAsPlanned` where it is not refused so."""
        try:
            answer = call()
        except Refused as refused:
            self.refuse(refused.code)
            if refused.code != code:
                raise NotAsPlanned(f"{code} was to be the answer, it was: {refused}") from refused
        else:
            raise NotAsPlanned(f"{code} was to be the answer, it was done: {answer}")

    def timed(self, what: str, call: Callable[[], Answer]) -> Answer:
        """Return the answer and note how long it took, in real time."""
        began = clock.monotonic()
        answer = call()
        took = (clock.monotonic() - began) * 1000
        with self._guard:
            self.waited_ms.setdefault(what, []).append(took)
        return answer

    def latency(self, what: str) -> dict[str, float | None]:
        """Return median and 99th percentile of the waits, in whole milliseconds."""
        waits = sorted(self.waited_ms.get(what, []))
        return {"p50": _share(waits, 50), "p99": _share(waits, 99)}


def _share(waits: Sequence[float], percent: int) -> float | None:
    """Return the wait that so many percent do not pass; None where nobody waited."""
    if not waits:
        return None
    return round(waits[max(0, -(-len(waits) * percent // 100) - 1)])
