"""Who was told to ask less often, and has not waited yet."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from shared import clock

LIMITED_S_MAX = 60.0
GREEDY_MAX = 10_000


class Greedy:
    """Who was told to ask less often: a person at an address, or all of an address."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._until: OrderedDict[tuple[str, str], float] = OrderedDict()

    def note(self, address: str, who: str, *, seconds: float) -> None:
        """Remember that this one was told so, for as long as it was told; from any thread."""
        with self._guard:
            key = caller(address, who)
            self._until[key] = clock.monotonic() + min(seconds, LIMITED_S_MAX)
            self._until.move_to_end(key)
            if len(self._until) > GREEDY_MAX:
                self._until.popitem(last=False)

    def has(self, address: str, who: str) -> bool:
        """Tell whether this one, or its whole address, was told so."""
        now = clock.monotonic()
        return any(self._until.get(caller(address, one), 0.0) > now for one in {who, ""})


def caller(address: str, who: str) -> tuple[str, str]:
    """Return what names a caller, however long its token is and whatever blanks stand around it."""
    scheme, _, token = who.strip().partition(" ")
    said = f"{scheme.lower()} {token.strip()}".strip()
    return address, hashlib.sha256(said.encode()).hexdigest() if said else ""
