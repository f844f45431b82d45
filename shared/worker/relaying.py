"""The relaying loop: while this process holds the lease, what stands to be told is sent."""

from __future__ import annotations

import logging
import threading

from shared import clock
from shared.kafka import BrokerTrouble, Producer, close_quietly
from shared.mongo import DatabaseTrouble, ServiceDatabase, holds_lease
from shared.relay import Relay

EVERY_S = 0.05
SOON_S = 0.015
"""While there is something to tell, more of it comes; at rest a look costs more than it finds."""
BUSY_FOR_S = 1.0
LEASE_LOOKED_AT_EVERY_S = 1.0

log = logging.getLogger(__name__)


class Relaying:
    """One run on one log; the worker makes another after the logs changed."""

    def __init__(
        self,
        *,
        database: ServiceDatabase,
        relay: Relay,
        topic: str,
        log_id: str,
        stop: threading.Event,
        handled: threading.Event,
    ) -> None:
        """``handled``: set when something was handled, which may have something to tell."""
        self._database = database
        self._relay = relay
        self._topic = topic
        self._log_id = log_id
        self._stop = stop
        self._handled = handled
        self._producer: Producer | None = None
        self._lease_at = self._busy_at = float("-inf")

    def run(self) -> None:
        """Relay until told to stop; waits out what passes."""
        while not self._stop.is_set():
            self._handled.clear()
            try:
                self._round()
            except (BrokerTrouble, DatabaseTrouble) as error:
                log.warning(
                    "trouble while relaying", extra={"why": f"{type(error).__name__}: {error}"}
                )
                if isinstance(error, BrokerTrouble):
                    # A producer may be past use after a fatal error; a new one always works.
                    self._let_go()
                self._stop.wait(0.3)
        self._let_go()

    def _round(self) -> None:
        if clock.monotonic() - self._lease_at > LEASE_LOOKED_AT_EVERY_S:
            if not holds_lease(self._database, "relay", self._database.settings.slot):
                self._stop.wait(LEASE_LOOKED_AT_EVERY_S)
                return
            self._lease_at = clock.monotonic()
        if self._producer is None:
            self._producer = Producer(self._database.settings, {self._topic: self._log_id})
        if self._relay.round(self._producer, self._log_id):
            self._busy_at = clock.monotonic()
        busy = clock.monotonic() - self._busy_at < BUSY_FOR_S
        self._handled.wait(SOON_S if busy else EVERY_S)

    def _let_go(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            close_quietly(producer)
