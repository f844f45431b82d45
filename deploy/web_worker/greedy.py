"""Who was told to ask less often, and has not waited yet."""

from __future__ import annotations

from shared import clock

LIMITED_S_MAX = 60.0
GREEDY_MAX = 10_000


class Greedy:
    """Who was told to ask less often: a person at an address, or all of an address."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str], float] = {}

    def note(self, address: str, who: str, *, seconds: float) -> None:
        """Remember that this one was told so, for as long as it was told; from any thread."""
        now = clock.monotonic()
        if len(self._until) > GREEDY_MAX:
            self._until = {one: until for one, until in self._until.items() if until > now}
        self._until[address, who] = now + min(seconds, LIMITED_S_MAX)

    def has(self, address: str, who: str) -> bool:
        """Tell whether this one, or its whole address, was told so."""
        now = clock.monotonic()
        return any(self._until.get((address, one), 0.0) > now for one in {who, ""})
