"""``Prefer: wait=5``: one poller a process looks for the outcomes that requests wait for."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from typing import Any

from flask import request

from shared import clock
from shared.mongo import ServiceDatabase

POLL_S = 0.025
SLICE = 50
WAIT_S_MAX = 10.0
_WAIT = re.compile(r"(?:^|[,;\s])wait=([0-9]{1,4})(?:$|[,;\s])")

Document = dict[str, Any]

log = logging.getLogger(__name__)


def prefer_wait() -> float:
    """Return the seconds of the request's ``Prefer: wait=…``, at most ten; 0 without."""
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(float(found.group(1)), WAIT_S_MAX) if found else 0.0


class Waiter:
    """Waits until documents of one collection are ``done``.

    ``database`` may be a function (``service_db``), so that a module can make its waiter once.
    """

    def __init__(
        self,
        database: ServiceDatabase | Callable[[], ServiceDatabase],
        collection: str,
        *,
        done: Callable[[Document], bool],
    ) -> None:
        self._database = database
        self._collection = collection
        self._done = done

    def wait(self, wanted: str, seconds: float | None = None) -> Document | None:
        """Return the document as soon as it is done; None after ``seconds``, or if too many wait.

        Without ``seconds`` it waits as long as the request's ``Prefer`` says.
        """
        seconds = prefer_wait() if seconds is None else min(seconds, WAIT_S_MAX)
        if seconds <= 0:
            return None
        database = self._database() if callable(self._database) else self._database
        return _poller.wait(database, self._collection, wanted, self._done, seconds)


class _Wish:
    def __init__(self, wanted: str, done: Callable[[Document], bool]) -> None:
        self.wanted = wanted
        self.done = done
        self.found: Document | None = None
        self.over = threading.Event()


class _Poller:
    """One thread that reads for all who wait, and rests while nobody does."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._wishes: dict[tuple[int, str], tuple[ServiceDatabase, list[_Wish]]] = {}
        self._waiting = 0
        self._arrived = threading.Event()
        self._thread: threading.Thread | None = None

    def wait(
        self,
        database: ServiceDatabase,
        collection: str,
        wanted: str,
        done: Callable[[Document], bool],
        seconds: float,
    ) -> Document | None:
        wish = _Wish(wanted, done)
        place = (id(database), collection)
        with self._guard:
            if self._waiting >= max(1, database.settings.web_threads // 2):
                return None
            self._waiting += 1
            self._wishes.setdefault(place, (database, []))[1].append(wish)
            self._arrived.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="poller", daemon=True)
                self._thread.start()
        try:
            wish.over.wait(seconds)
        finally:
            with self._guard:
                self._waiting -= 1
                self._wishes[place][1].remove(wish)
                if not self._wishes[place][1]:
                    del self._wishes[place]
        return wish.found

    def _run(self) -> None:
        while True:
            self._arrived.wait()
            with self._guard:
                places = [(d, c, list(ws)) for (_, c), (d, ws) in self._wishes.items()]
                if not places:
                    self._arrived.clear()
            began = clock.monotonic()
            for database, collection, wishes in places:
                try:
                    _look(database, collection, wishes)
                except Exception as error:  # noqa: BLE001 - the thread outlives any trouble; who waits gets a 202
                    log.warning("poller", extra={"reason": type(error).__name__})
            # Where the database is busy, it is not asked the more for it.
            clock.sleep(max(POLL_S, clock.monotonic() - began))


def _look(database: ServiceDatabase, collection: str, wishes: list[_Wish]) -> None:
    wanted = sorted({wish.wanted for wish in wishes if not wish.over.is_set()})
    for start in range(0, len(wanted), SLICE):
        some = wanted[start : start + SLICE]
        found = {row["_id"]: row for row in database.db[collection].find({"_id": {"$in": some}})}
        for wish in wishes:
            row = found.get(wish.wanted)
            if row is not None and wish.done(row):
                wish.found = row
                wish.over.set()


_poller = _Poller()
