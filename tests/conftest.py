"""The real servers, one of each for the whole run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deploy.embedded.servers import KafkaServer, MongoServer


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
