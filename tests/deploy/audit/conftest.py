"""Hand-made towns on an embedded MongoDB."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pymongo import MongoClient

from deploy.audit import Report, check_all, undone
from deploy.audit.sources import connected
from deploy.embedded.servers import MongoServer
from shared import ids
from tests.deploy.audit.breaking import Audited
from tests.deploy.audit.hand_made_logs import HandMadeLogs, logs_of
from tests.deploy.audit.hand_made_town import SERVICES, Town


@pytest.fixture
def audited(mongo: MongoServer) -> Iterator[Audited]:
    """Return ``audited(town, logs=None, …)``: the report of a town that was written down."""
    client: MongoClient[Any] = MongoClient(mongo.uri, tz_aware=True)
    prefix = f"a{ids.new_id()}_"

    def audited(made: Town, logs: HandMadeLogs | None = None, **asked: Any) -> Report:
        logs = logs or logs_of(made)
        made.write(client, prefix)
        with connected(mongo.uri, prefix) as sources:
            left, _ = undone.wait_until_done(sources, logs, 0)
            zone = ZoneInfo("Asia/Shanghai")
            return check_all(sources, logs, left, zone=zone, **{"strict": True, **asked})

    yield audited
    for service in SERVICES:
        client.drop_database(prefix + service)
    client.close()
