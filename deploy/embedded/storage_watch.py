"""Ends a database whose storage has failed, so that supervisor starts it again.

MongoDB ends itself when its storage engine panics (a full disk does that). SecantusDB on the same
engine lives on and answers whatever is asked with an internal error, so it is helped along: a new
start recovers from the engine's log, or ends at once until there is room again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

LOOK_EVERY_S = 0.5
FAILED_LOOKS_MAX = 4
INTERNAL_ERROR = 1


class StorageWatch:
    """Looks at a database from a thread of its own, until it is stopped."""

    def __init__(self, uri: str, end: Callable[[], object]) -> None:
        self._uri = uri
        self._end = end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="storage-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        failed = 0
        with MongoClient[dict[str, Any]](self._uri, serverSelectionTimeoutMS=2_000) as client:
            while not self._stop.wait(LOOK_EVERY_S):
                failed = failed + 1 if _fails(client) else 0
                if failed == FAILED_LOOKS_MAX:
                    self._end()
                    failed = 0


def _fails(client: MongoClient[dict[str, Any]]) -> bool:
    """Tell whether the database answers, and cannot even read."""
    try:
        client.admin.command("listDatabases", nameOnly=True)
    except OperationFailure as error:
        return error.code == INTERNAL_ERROR
    except PyMongoError:
        return False
    return False
