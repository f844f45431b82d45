"""Leases: which worker relays and sweeps. A lease saves work; it is not what makes them safe."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pymongo.errors import DuplicateKeyError

from shared import clock

if TYPE_CHECKING:
    from shared.mongo.database import ServiceDatabase

LEASE = timedelta(seconds=5)
RENEWED_EVERY_S = 2.0
"""Each renewal is a write that the database syncs; the lease lasts for more than two of these."""


class Lease:
    """A lease as one process knows it: for five seconds of real time, renewed every two.

    The holder is the slot, not the process, so a restarted worker has its own lease at once.
    """

    def __init__(self, database: ServiceDatabase, name: str) -> None:
        self._leases = database.db.leases
        self._slot = database.settings.slot
        self._name = name
        self._renewed_at = float("-inf")

    def held(self) -> bool:
        """Take or renew the lease where it is time to; False while another slot holds it."""
        asked_at = clock.monotonic()
        if asked_at - self._renewed_at < RENEWED_EVERY_S:
            return True
        if not self._taken():
            return False
        self._renewed_at = asked_at
        return True

    def _taken(self) -> bool:
        at = clock.real_now()
        mine = {"$set": {"slot": self._slot, "until": at + LEASE}}
        own, over = {"slot": self._slot}, {"until": {"$lt": at}}
        for whose in (own, over):
            if self._leases.update_one({"_id": self._name, **whose}, mine).matched_count:
                return True
        if self._leases.find_one({"_id": self._name}) is not None:
            return False
        try:
            self._leases.insert_one({"_id": self._name, "slot": self._slot, "until": at + LEASE})
        except DuplicateKeyError:
            return False
        return True
