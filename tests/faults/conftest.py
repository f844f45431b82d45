"""Real processes on servers with their data on disk."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.embedded.system import System
from tests.faults.system import ADMIN_PHONE, started
from tests.journeys.town import Town

__all__ = ["ADMIN_PHONE", "started", "system", "town"]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system, one worker a service."""
    system = started(tmp_path_factory.mktemp("system"))
    yield system
    system.stop()


@pytest.fixture(scope="module")
def town(system: System) -> Town:
    """Tianyuan district on that system."""
    return Town(system.urls, system.clock_offset_file, admin_phone=ADMIN_PHONE)
