"""Lives: one part of the house from its start to its end, and what a crash leaves of it.

All threads of a life know it, since a thread inherits it from the one that starts it. After a crash
a life is dead: whatever one of its threads asks of a server raises :class:`Crash` before it is
sent, so neither a ``finally`` nor another thread can do what a killed process could not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Crash(BaseException):
    """The part is gone. Nothing catches this and goes on."""


class Life:
    """A worker, a web process or a command, with all its threads and clients."""

    def __init__(self, name: str) -> None:
        """``name`` is its slot: ``store-worker-0``, ``store-web-0``, ``volunteers-bootstrap``."""
        self.name = name
        self.service, _, rest = name.partition("-")
        self.part = rest.partition("-")[0] or name
        self.dead = False
        self.ready = False
        """It has taken up its work; what it does before belongs to its start."""
        self._ending = threading.Lock()
        self.began_in = threading.current_thread()
        self.on_crash: Callable[[], None] = lambda: None
        self._clients: list[Any] = []

    def check(self) -> None:
        """Raise :class:`Crash` where the part is gone."""
        if self.dead:
            raise Crash(self.name)

    def crash(self) -> None:
        """End this life here and now."""
        with self._ending:
            self.check()
            self.dead = True
        self.on_crash()
        for client in list(self._clients):
            if type(client).__name__ == "KafkaProducer":
                # What it had not sent yet is lost with it; whoever waits for it learns so. The
                # driver lets nothing but a Crash through, so no other error may take its place.
                with suppress(Exception):
                    client.close(timeout=0)
        raise Crash(self.name)

    def owns(self, client: Any) -> None:
        """Take note of a client that was made in this life."""
        self._clients.append(client)
        if self.dead:
            self.bury()
        self.check()

    def bury(self) -> None:
        """Close the sockets that the dead left open; the servers are told nothing by it."""
        for client in list(self._clients):
            with suppress(Exception, Crash):
                # The driver would end its sessions first, which the dead cannot.
                client.close()
            with suppress(Exception, Crash):
                client.close()
        self._clients.clear()

    @property
    def is_starting(self) -> bool:
        """Tell whether the caller is the thread that starts this part up."""
        return threading.current_thread() is self.began_in


def current() -> Life | None:
    """Return the life that this thread belongs to."""
    return getattr(threading.current_thread(), "life", None)


@contextmanager
def within(life: Life | None) -> Iterator[None]:
    """Let this thread, and all that it starts, belong to a life."""
    thread: Any = threading.current_thread()
    before = getattr(thread, "life", None)
    thread.life = life
    try:
        yield
    finally:
        thread.life = before
