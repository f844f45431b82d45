"""Real processes on servers with their data on disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.embedded.servers import KafkaServer, MongoServer
from deploy.embedded.system import System
from tests.faults.system import ADMIN_PHONE, started
from tests.journeys.house import House, Tamper, tampered
from tests.journeys.town import DISTRICT, Town


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


@contextmanager
def opened(
    mongo: MongoServer, kafka: KafkaServer, data_dir: Path, tamper: Tamper = list
) -> Iterator[tuple[House, Town]]:
    """Open a house whose relays send what ``tamper`` makes of their events."""
    house = House(mongo, kafka, data_dir)
    with pytest.MonkeyPatch.context() as patch, tampered(tamper, patch):
        house.open()
        try:
            house.bootstrap(district=DISTRICT, admin_phone=ADMIN_PHONE)
            yield house, Town(house.urls, house.clock_file, admin_phone=ADMIN_PHONE)
        finally:
            house.close()
