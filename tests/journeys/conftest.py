"""A house that is open, and a town that lives in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded.servers import KafkaServer, MongoServer
from tests.journeys.house import House, tampered
from tests.journeys.town import DISTRICT, Town

ADMIN_PHONE = "13700000001"


@pytest.fixture
def house(
    mongo: MongoServer, empty_kafka: KafkaServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[House]:
    """The four services of one process; ``@pytest.mark.parametrize("tamper", …)`` is heeded."""
    monkeypatch = request.getfixturevalue("monkeypatch")
    tamper = request.getfixturevalue("tamper") if "tamper" in request.fixturenames else list
    house = House(mongo, empty_kafka, tmp_path)
    with tampered(tamper, monkeypatch):
        house.open()
        try:
            yield house
        finally:
            house.close()


@pytest.fixture
def settle(house: House) -> Callable[[str], Town]:
    """Return ``settle(district)``: a district set up, with its book open and its administrator."""
    phones = iter(str(int(ADMIN_PHONE) + number) for number in range(100))

    def settle(district: str = DISTRICT, community: str | None = None) -> Town:
        phone = next(phones)
        house.bootstrap(district=district, admin_phone=phone)
        community = community or district + "001001"
        return Town(house.urls, house.clock_file, admin_phone=phone, community=community)

    return settle


@pytest.fixture
def town(settle: Callable[[str], Town]) -> Town:
    """Tianyuan district."""
    return settle(DISTRICT)
