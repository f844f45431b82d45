"""The relaying loop: while this process holds the lease, what stands to be told is sent."""

from __future__ import annotations

import logging
import threading

from shared import clock
from shared.kafka import BrokerTrouble, Producer, close_quietly
from shared.mongo import DatabaseTrouble, Lease, ServiceDatabase
from shared.relay import EVERY_S, Relay

BUSY_FOR_S = 1.0
"""While there is something to tell, more of it comes; at rest a look costs more than it finds."""
REST_S_MAX = 0.1
"""As long as a round took, it rests: where all are busy, more is then told at once, for less."""
LEASE_TRIED_EVERY_S = 1.0

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
        self._lease = Lease(database, "relay")
        self._busy_at = float("-inf")

    def run(self) -> None:
        """Relay until told to stop; waits out what passes, and lets go however it ends."""
        try:
            while not self._stop.is_set():
                self._handled.clear()
                self._go_on()
        finally:
            self._let_go()

    def _go_on(self) -> None:
        try:
            self._round()
        except (BrokerTrouble, DatabaseTrouble) as error:
            log.warning("trouble while relaying", extra={"why": f"{type(error).__name__}: {error}"})
            if isinstance(error, BrokerTrouble):
                # A producer may be past use after a fatal error; a new one always works.
                self._let_go()
            self._stop.wait(0.3)

    def _round(self) -> None:
        if not self._lease.held():
            self._stop.wait(LEASE_TRIED_EVERY_S)
            return
        if self._producer is None:
            self._producer = Producer(self._database.settings, {self._topic: self._log_id})
        began = clock.monotonic()
        if self._relay.round(self._producer, self._log_id):
            self._busy_at = clock.monotonic()
            self._stop.wait(min(clock.monotonic() - began, REST_S_MAX))
        busy = clock.monotonic() - self._busy_at < BUSY_FOR_S
        self._handled.wait(self._relay.busy_every_s if busy else EVERY_S)

    def _let_go(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            close_quietly(producer)
