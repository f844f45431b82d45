"""A lease is one slot's at a time, and is not written at each look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from deploy.embedded.servers import MongoServer
from shared import clock
from shared.mongo import Lease, ServiceDatabase, leases
from tests.shared.conftest import settings_for

pytestmark = pytest.mark.servers


def test_a_lease_is_one_slots_until_it_runs_out_and_is_renewed_before(
    mongo: MongoServer, connect: Callable[..., ServiceDatabase], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(mongo)
    one = Lease(connect("store", replace(settings, slot="worker-0")), "relay")
    database = connect("store", replace(settings, slot="worker-1"))
    other = Lease(database, "relay")
    taken_at, ticks = clock.real_now(), clock.monotonic()

    def later(seconds: float) -> None:
        monkeypatch.setattr(clock, "real_now", lambda: taken_at + leases.LEASE * (seconds / 5))
        monkeypatch.setattr(clock, "monotonic", lambda: ticks + seconds)

    later(0)
    assert one.held()
    assert not other.held()
    first = database.db.leases.find_one({"_id": "relay"})
    later(1)
    assert one.held()
    assert database.db.leases.find_one({"_id": "relay"}) == first, "written again too soon"
    later(3)
    assert one.held()
    later(6)
    assert not other.held(), "renewed at 3 s, good until 8"
    later(9)
    assert other.held()
    assert not one.held(), "who slept through its end asks before it goes on"
