"""Keeps the balance rows and the books' hints close behind the journal: at most 200 ms late.

The rows are made from the journal, so a crash that loses what waits here loses nothing: a row is
then behind, and whoever reads it adds the lines above its number.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping
from typing import Any

from services.ledger import repository
from services.ledger.model import Account
from shared import clock
from shared.errors import Busy
from shared.mongo import ServiceDatabase

LATE_MAX_S = 0.2
GATHER_MIN_S = 0.05
AGAIN_AFTER_TROUBLE_S = 0.5

log = logging.getLogger(__name__)


class Rows:
    """Gathers what changed and writes it down, from a thread of its own or from whoever is late."""

    def __init__(self, database: ServiceDatabase) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._writing = threading.Lock()
        self._accounts: dict[str, Account] = {}
        self._heads: dict[str, tuple[int, Mapping[str, Any]]] = {}
        self._since: float | None = None
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._wrote_in_s = 0.0
        self._thread: threading.Thread | None = None

    def note(
        self, book: str, accounts: Iterable[Account], *, n: int, totals: Mapping[str, Any]
    ) -> None:
        """Take note of accounts that changed, and of the book's head."""
        with self._guard:
            self._accounts.update((account.id, account) for account in accounts)
            self._heads[book] = (n, totals)
            if self._since is None:
                self._since = clock.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="rows", daemon=True)
                self._thread.start()
        self._changed.set()

    def keep_up(self) -> None:
        """Write at once where the rows are late: who posts faster than rows are written waits.

        Nobody waits long for rows that another client has open, maybe a stopped one: they stay
        behind.
        """
        since = self._since
        if since is not None and clock.monotonic() - since > LATE_MAX_S:
            try:
                self.write()
            except Busy as why:
                log.warning("balance rows wait", extra={"why": str(why)})

    def write(self) -> None:
        """Write all that changed; pymongo's errors where the database is away.

        Raises :class:`Busy` where another client has some of the rows open in a transaction.
        """
        with self._writing:
            with self._guard:
                accounts, self._accounts = self._accounts, {}
                heads, self._heads = self._heads, {}
                self._since = None
                self._changed.clear()
            began = clock.monotonic()
            try:
                for book, (n, totals) in heads.items():
                    repository.books.raise_hint(self._database, book, n=n, totals=totals)
                repository.accounts.replace(self._database, accounts.values())
            except BaseException:
                self._take_back(accounts, heads)
                raise
            self._wrote_in_s = clock.monotonic() - began

    def close(self) -> None:
        """Write what waits, where the database still answers, and end the thread."""
        self._closing.set()
        self._changed.set()
        if self._thread is not None:
            self._thread.join(5)
        try:
            self.write()
        except Exception as error:
            if not repository.is_closed(error):
                raise

    def _run(self) -> None:
        while True:
            self._changed.wait()
            if self._closing.wait(self._gather_s()):
                return
            try:
                self.write()
            except Exception as error:  # noqa: BLE001 - the thread outlives any trouble
                if repository.is_closed(error):
                    return
                log.warning("balance rows wait", extra={"why": type(error).__name__})
                self._changed.set()
                if self._closing.wait(AGAIN_AFTER_TROUBLE_S):
                    return

    def _gather_s(self) -> float:
        """Return how long to gather: what changes meanwhile is written once, and still in time."""
        return max(GATHER_MIN_S, LATE_MAX_S - 1.25 * self._wrote_in_s)

    def _take_back(
        self,
        accounts: Mapping[str, Account],
        heads: Mapping[str, tuple[int, Mapping[str, Any]]],
    ) -> None:
        """Let what was not written wait on, but for what is newer by now."""
        with self._guard:
            self._accounts = {**accounts, **self._accounts}
            self._heads = {**heads, **self._heads}
            self._since = self._since or clock.monotonic()
