"""Leases: which worker relays and sweeps. A lease saves work; it is not what makes them safe."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pymongo.errors import DuplicateKeyError

from shared import clock

if TYPE_CHECKING:
    from shared.mongo.database import ServiceDatabase

LEASE = timedelta(seconds=5)


def holds_lease(database: ServiceDatabase, name: str, slot: str) -> bool:
    """Take or renew the lease for five seconds of real time; False while another slot holds it.

    The holder is the slot, not the process, so a restarted worker has its own lease at once.
    """
    leases, at = database.db.leases, clock.real_now()
    mine = {"$set": {"slot": slot, "until": at + LEASE}}
    if leases.update_one({"_id": name, "slot": slot}, mine).matched_count:
        return True
    if leases.update_one({"_id": name, "until": {"$lt": at}}, mine).matched_count:
        return True
    if leases.find_one({"_id": name}) is not None:
        return False
    try:
        leases.insert_one({"_id": name, "slot": slot, "until": at + LEASE})
    except DuplicateKeyError:
        return False
    return True
