"""People by the hundred, without a text message each: their tokens are signed with the town's key.

Nobody has heard of them yet, so they are judged by their tokens alone. What points they have, they
served for: a service record each, told as every record is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from deploy.embedded.system import System
from services.activities import repository
from services.activities.settings import ActivitiesSettings
from shared import clock, ids
from shared.asking import next_ask
from shared.auth import issue
from shared.events.activities import ServiceConfirmed
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.settings import key_ring, load
from shared.web.idempotency import Asked, keep

TOKEN_LIFE = timedelta(hours=2)
AT_ONCE = 20
BANKED_WITHIN_S = 180.0
"""Beside other tests a worker may be given its partitions late."""
CONFIRMER = "burst"
NOT_SHOWN = frozenset({"_id", "order", "ask_at", "asked"})


def tokens(environment: Mapping[str, str], people: Sequence[str]) -> dict[str, str]:
    """Return an access token for each of these new people, by the volunteers service's key."""
    ring = key_ring(Path(environment["GONGXIANG_TOKEN_KEYS_FILE"]).read_text().strip())
    now = clock.real_now()
    return {
        person: issue(
            person_id=person, number="0", grants=[], key=ring.current, now=now, lifetime=TOKEN_LIFE
        )
        for person in people
    }


def served(system: System, people: Sequence[str], *, region: str, minutes: int) -> None:
    """Let each have served so many minutes yesterday; return when the points are banked."""
    with activities(system) as database:
        for start in range(0, len(people), AT_ONCE):
            confirm(database, people[start : start + AT_ONCE], region=region, minutes=minutes)
        deadline = clock.monotonic() + BANKED_WITHIN_S
        while database.db.records.find_one({"state": "CONFIRMED"}):
            assert clock.monotonic() < deadline, f"not banked within {BANKED_WITHIN_S:.0f} s"
            clock.sleep(0.2)


def confirm(database: ServiceDatabase, people: Sequence[str], *, region: str, minutes: int) -> None:
    """Let these have served so many minutes yesterday: a confirmed record each, and its event."""
    database.unit_of_work(lambda work: _confirm(work, people, region, minutes))


def _confirm(work: UnitOfWork, people: Sequence[str], region: str, minutes: int) -> None:
    now = clock.now()
    served_at = now - timedelta(days=1)
    for person in people:
        record_id = ids.new_id()
        what = {
            "district": region[:6],
            "region": region,
            "activity_id": "burst",
            "shift_id": "burst",
            "volunteer_id": person,
            "kind": "credit",
        }
        entry = {
            "version": 1,
            "minutes": minutes,
            "reason": None,
            "by": CONFIRMER,
            "at": now,
        }
        row = {
            "_id": record_id,
            **what,
            "minutes": minutes,
            "served_at": served_at,
            "sign_up_id": f"of-{record_id}",
            "version": 1,
            "shift_minutes": minutes,
            "state": "CONFIRMED",
            "posted_n": None,
            "confirmed_by": CONFIRMER,
            "ask_at": clock.real_now() + next_ask(0),
            "asked": 0,
            "history": [entry],
            "order": repository.order_of(served_at, record_id),
        }
        repository.add_record(work, row)
        # As a confirmation by HTTP is answered and kept: the audit holds one against the other.
        asked = Asked(id=f"{CONFIRMER} {ids.new_id()}", digest="0" * 64)
        keep(work, asked, status=202, value={"record_id": record_id, **_shown(row)})
        work.tell(
            ServiceConfirmed(
                record_id=record_id,
                version=1,
                at=now,
                minutes=minutes,
                served_at=served_at,
                **what,
            )
        )


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in NOT_SHOWN}


@contextmanager
def activities(system: System) -> Iterator[ServiceDatabase]:
    """Return the activities service's own database while what is inside runs."""
    environment = {**system.environment("activities"), "GONGXIANG_SLOT": f"served-{ids.new_id()}"}
    database = ServiceDatabase.connect(load(ActivitiesSettings, environment), "activities")
    try:
        yield database
    finally:
        database.close()
