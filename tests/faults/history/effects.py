"""The effects that the databases show, read directly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from pymongo.database import Database

from tests.faults.history.actions import pieces

Documents = Database[dict[str, Any]]

BY_BUYER, FORGOTTEN = "buyer", "forgotten"


def found_in(databases: Callable[[str], Documents]) -> Counter[str]:
    """Return the effects that the databases show; ``databases(service)`` gives one."""
    found: Counter[str] = Counter()
    for effects in (_volunteers, _activities, _store):
        found.update(effects(databases(effects.__name__.lstrip("_"))))
    return found


def _volunteers(db: Documents) -> Iterator[str]:
    for row in db.confirmations.find({}, {"_id": 1}):
        yield f"confirmation:{row['_id']}"
    for row in db.people.find({}, {"version": 1, "revision": 1}):
        yield f"person:{row['_id']}"
        yield from (f"status:{row['_id']}:{n}" for n in range(2, row["version"] + 1))
        yield from (f"revision:{row['_id']}:{n}" for n in range(2, row["revision"] + 1))
    for row in db.refresh_tokens.find({}, {"serial": 1, "ended_by": 1}):
        yield from (f"session:{row['_id']}.{n}" for n in range(1, row["serial"] + 1))
        if row["ended_by"] is not None:
            yield f"session-end:{row['_id']}"
    for row in db.grants.find({}, {"revoked_at": 1}):
        yield f"grant:{row['_id']}"
        if row["revoked_at"] is not None:
            yield f"revoked:{row['_id']}"


def _activities(db: Documents) -> Iterator[str]:
    for row in db.activities.find({}, {"published_at": 1, "closed_at": 1}):
        yield f"activity:{row['_id']}"
        if row["published_at"] is not None:
            yield f"published:{row['_id']}"
        if row["closed_at"] is not None:
            yield f"closed:{row['_id']}"
    shifts = Counter(row["activity_id"] for row in db.shifts.find({}, {"activity_id": 1}))
    for activity, count in shifts.items():
        yield from (f"shift:{activity}:{n}" for n in range(count))
    for row in db.sign_ups.find({}, {"state": 1}):
        yield f"sign-up:{row['_id']}"
        if row["state"] == "withdrawn":
            yield f"withdrawn:{row['_id']}"
    for row in db.attendances.find({}, {"pairs": 1}):
        for n, pair in enumerate(row["pairs"], start=1):
            yield f"in:{row['_id']}:{n}"
            if pair["out_by"] not in (None, FORGOTTEN):
                yield f"out:{row['_id']}:{n}"
    for row in db.records.find({}, {"sign_up_id": 1, "history": 1}):
        yield f"record:{row['_id']}"
        yield f"confirmed:{row['sign_up_id']}"
        for version in row["history"][1:]:
            yield f"corrected:{row['_id']}:{version['reason']}"


def _store(db: Documents) -> Iterator[str]:
    for row in db.merchants.find({}, {"approved_at": 1}):
        yield f"merchant:{row['_id']}"
        if row["approved_at"] is not None:
            yield f"approved:{row['_id']}"
    for row in db["items"].find({}, {"received": 1, "revision": 1}):
        yield f"item:{row['_id']}"
        yield from pieces(row["_id"], row["received"])
        yield from (f"item-revision:{row['_id']}:{n}" for n in range(2, row["revision"] + 1))
    for row in db.orders.find({}, {"used_at": 1, "cancel_reason": 1}):
        yield f"order:{row['_id']}"
        if row["used_at"] is not None:
            yield f"used:{row['_id']}"
        if row["cancel_reason"] == BY_BUYER:
            yield f"cancelled:{row['_id']}"
