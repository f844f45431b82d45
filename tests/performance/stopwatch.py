"""How long the work took, and which part of it took how much."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from shared import clock


class Stopwatch:
    """Seconds between the beginning and the end of some work."""

    seconds = 0.0


@contextmanager
def timed() -> Iterator[Stopwatch]:
    """Measure what runs inside; the figure stands on the stopwatch afterwards."""
    watch = Stopwatch()
    began = clock.monotonic()
    yield watch
    watch.seconds = clock.monotonic() - began


class Shares:
    """The time inside some functions, whoever calls them; their own thread's time on the clock."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def watching(self, parts: Mapping[str, tuple[Any, str]]) -> Iterator[None]:
        """Watch functions while what is inside runs: ``{"part": (module or class, "name")}``."""
        with ExitStack() as stack:
            for part, (owner, name) in parts.items():
                stack.enter_context(patch.object(owner, name, self._watched(part, owner, name)))
            yield

    def of(self, seconds: float) -> dict[str, float]:
        """Return each part's share of so many seconds, the largest first."""
        parts = sorted(self._seconds.items(), key=lambda part: -part[1])
        return {part: spent / seconds for part, spent in parts}

    def _watched(self, part: str, owner: Any, name: str) -> Callable[..., Any]:
        real = getattr(owner, name)

        def watched(*args: Any, **named: Any) -> Any:
            began = clock.monotonic()
            try:
                return real(*args, **named)
            finally:
                with self._guard:
                    self._seconds[part] += clock.monotonic() - began

        return watched
