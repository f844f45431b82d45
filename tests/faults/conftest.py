"""Real processes on servers with their data on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.embedded.servers import KafkaServer, MongoServer
from deploy.embedded.system import System
from tests.journeys.house import House, Tamper, bootstrap, tampered
from tests.journeys.town import DISTRICT, Town

ADMIN_PHONE = "13700000001"


def started(
    data_dir: Path,
    *,
    workers_per_service: int = 1,
    settings: Mapping[str, str] | None = None,
) -> System:
    """Return a whole system that serves, with Tianyuan district set up."""
    unlimited = {
        "GONGXIANG_REQUESTS_A_MINUTE": "0",
        "GONGXIANG_REQUESTS_A_MINUTE_ADDRESS": "0",
        "GONGXIANG_TOPIC_PARTITIONS": "4",
        **(settings or {}),
    }
    system = System(
        data_dir,
        workers_per_service=workers_per_service,
        settings=unlimited,
    )
    system.start_servers()
    try:
        bootstrap(system.operator_environment(), district=DISTRICT, admin_phone=ADMIN_PHONE)
        system.start_services()
        system.wait_ready()
    except BaseException:
        # Nobody else knows of it: what goes on running would slow down all that comes after.
        system.stop()
        raise
    return system


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
