"""The worker that is joined in ``app``: what it hears, tells and sweeps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.activities.operations import ask_for_points, carry_imports, close_forgotten
from services.activities.worker import create_worker

pytestmark = pytest.mark.servers


def test_the_worker_hears_the_ledger_and_volunteers_and_sweeps_what_is_due(activities):
    worker = create_worker(replace(activities.database.settings, slot="activities-0"))

    assert worker.own_topic == "activities.events"
    assert worker.heard_topics == ["ledger.events", "volunteers.events"]
    assert set(worker.sweeps) == {close_forgotten, ask_for_points, carry_imports}
    worker.database.close()
