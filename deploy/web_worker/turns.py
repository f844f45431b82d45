"""Whose turn it is: no caller has more than a few requests at work, and the rest wait in line."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

Caller = Hashable

LONG_LINE = 4
REST_S = 0.05
"""Twenty a second is still four times what a person may ask in the long run."""


@dataclass(slots=True)
class _Line:
    """One caller's requests: how many are at work, and which wait."""

    at_once: int
    rests: bool
    at_work: int = 0
    waiting: deque[Any] = field(default_factory=deque)


class Turns:
    """Requests at work and in line, by caller; for one thread.

    A thread at work takes its part of the processor from all others, so who asks for many things
    at once has them done a few at a time. Whose line is long rests after each: one who is always
    at work would still be every other one that a calm caller meets.
    """

    def __init__(self) -> None:
        self._lines: dict[Caller, _Line] = {}
        self._callers: dict[Any, Caller] = {}
        # Whose rest is over when: all rest equally long, so in order.
        self._resting: dict[Caller, float] = {}

    def come(self, request: Any, caller: Caller, *, at_once: int, rests: bool) -> list[Any]:
        """Put a request in its caller's line; return who goes to work now: this one, or nobody."""
        line = self._lines.setdefault(caller, _Line(at_once, rests))
        line.waiting.append(request)
        return self._next(caller)

    def done(self, request: Any, *, now: float) -> list[Any]:
        """Take a request that was at work as done; return who goes to work in its place."""
        caller = self._callers.pop(request)
        line = self._lines[caller]
        line.at_work -= 1
        if line.rests and len(line.waiting) > LONG_LINE:
            self._resting.setdefault(caller, now + REST_S)
        return self._next(caller)

    def rested(self, *, now: float) -> list[Any]:
        """Return who goes to work because its caller has rested."""
        over = [who for who, _ in takewhile(lambda rest: rest[1] <= now, self._resting.items())]
        for caller in over:
            del self._resting[caller]
        return [request for caller in over for request in self._next(caller, at_most=1)]

    @property
    def anyone_rests(self) -> bool:
        """Tell whether somebody will have rested soon."""
        return bool(self._resting)

    @property
    def longest(self) -> int:
        """Return how many wait in the longest line."""
        return max((len(line.waiting) for line in self._lines.values()), default=0)

    def leave(self) -> Any:
        """Take the last one out of the longest line, which must have one, and return it."""
        return max(self._lines.values(), key=lambda line: len(line.waiting)).waiting.pop()

    def _next(self, caller: Caller, *, at_most: int | None = None) -> list[Any]:
        line = self._lines[caller]
        going: list[Any] = []
        while (
            line.waiting
            and line.at_work < line.at_once
            and caller not in self._resting
            and len(going) != at_most
        ):
            request = line.waiting.popleft()
            line.at_work += 1
            self._callers[request] = caller
            going.append(request)
        if not line.at_work and not line.waiting:
            del self._lines[caller]
            self._resting.pop(caller, None)
        return going
