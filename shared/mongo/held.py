"""Locks of one process on contended things, so that its own threads do not conflict."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared import clock
from shared.errors import Busy


class HeldThings:
    """In-process locks by name, each there only while somebody holds it or waits."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[str, tuple[threading.Lock, int]] = {}

    def held(self, name: str) -> bool:
        """Tell whether somebody holds a thing or waits for it, so that one would have to wait."""
        with self._guard:
            return name in self._locks

    @contextmanager
    def hold(self, name: str | None, deadline: float) -> Iterator[None]:
        """Hold a thing, or nothing for None; :class:`Busy` where it is not to be had in time."""
        if name is None:
            yield
            return
        with self._guard:
            lock, waiting = self._locks.get(name, (threading.Lock(), 0))
            self._locks[name] = (lock, waiting + 1)
        got = False
        try:
            got = lock.acquire(timeout=max(0.0, deadline - clock.monotonic()))
            if not got:
                raise Busy(name)
            yield
        finally:
            if got:
                lock.release()
            with self._guard:
                lock, waiting = self._locks[name]
                if waiting == 1:
                    del self._locks[name]
                else:
                    self._locks[name] = (lock, waiting - 1)
