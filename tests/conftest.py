"""The real servers, one of each for the whole run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from kafka import KafkaAdminClient
from xdist.scheduler import LoadFileScheduling

from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock

# A rule is right or wrong, however slow the machine is at this moment.
hypothesis_settings.register_profile(
    "rules", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("rules")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files whose tests may take longest begin first, so that nobody waits for them."""
    longest: dict[Path, float] = defaultdict(float)
    for item in items:
        mark = item.get_closest_marker("timeout")
        longest[item.path] = max(longest[item.path], mark.args[0] if mark else 0.0)
    items.sort(key=lambda item: (not _runs_a_system(item.path), -longest[item.path]))


RUN_BY = ("deploy.embedded.system", "tests.faults.campaign", "tests.performance.stage")
"""What a file imports that runs a whole system."""


class OneLaneForSystems(LoadFileScheduling):  # type: ignore[misc]
    """Files go to whoever is free; those that run whole systems of processes one after another.

    Two such systems at once keep two cores busy with each other, and wait in vain.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "systems" if _runs_a_system(self.config.rootpath / file) else file


@lru_cache
def _runs_a_system(file: Path) -> bool:
    return any(f"from {name} import" in file.read_text() for name in RUN_BY)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return who gives the files out where several are run at once."""
    return OneLaneForSystems(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def mongo() -> Iterator[MongoServer]:
    """MongoDB's protocol in memory: one server per run, one database per test."""
    server = MongoServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """Apache Kafka: one broker per run, topics of its own per test."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def empty_kafka(kafka: KafkaServer) -> KafkaServer:
    """The same broker without a topic, whatever tests before this one left there."""
    empty(kafka)
    return kafka


def empty(kafka: KafkaServer) -> None:
    """Delete every topic of ours."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap, bootstrap_timeout_ms=5_000)
    deadline = clock.monotonic() + 20
    while ours := [topic for topic in admin.list_topics() if topic.endswith(".events")]:
        assert clock.monotonic() < deadline, f"still there: {ours}"
        admin.delete_topics(ours, raise_errors=False)
        clock.sleep(0.1)
    admin.close()
