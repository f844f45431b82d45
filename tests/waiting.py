"""Waiting for what comes to hold by itself, with a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from shared import clock

LOOK_EVERY_S = 0.05

Found = TypeVar("Found")


def wait_until(
    found: Callable[[], Found | None],
    seconds: float = 20.0,
    *,
    what: str = "waited in vain",
    every_s: float = LOOK_EVERY_S,
) -> Found:
    """Return what ``found`` returns once that is true; fails with ``what`` after the limit."""
    deadline = clock.monotonic() + seconds
    while not (one := found()):
        assert clock.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        clock.sleep(every_s)
    return one
