"""A small service of the tests' own, on the real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from deploy.embedded.servers import KafkaServer, MongoServer
from shared import ids
from shared.mongo import ServiceDatabase
from shared.settings import Settings


def settings_for(
    mongo: MongoServer, kafka: KafkaServer | None = None, **changes: object
) -> Settings:
    """Return embedded settings with databases of this test's own."""
    values: dict[str, object] = {
        "mode": "embedded",
        "mongo_uri": mongo.uri,
        "kafka_bootstrap": kafka.bootstrap if kafka else "127.0.0.1:1",
        "jwks_url": "",
        "database_prefix": f"t{ids.new_id()}_",
        "topic_partitions": 2,
    }
    return Settings(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def connect(mongo: MongoServer) -> Iterator[Callable[..., ServiceDatabase]]:
    """Return ``connect(name, settings=None)``: a service's database, closed after the test."""
    opened: list[ServiceDatabase] = []
    default = settings_for(mongo)

    def connect(name: str = "store", settings: Settings | None = None) -> ServiceDatabase:
        opened.append(ServiceDatabase.connect(settings or default, name))
        return opened[-1]

    yield connect
    for database in opened:
        database.client.drop_database(database.db.name)
        database.close()


@pytest.fixture
def database(connect: Callable[..., ServiceDatabase]) -> ServiceDatabase:
    """Return the store's database."""
    return connect()


@pytest.fixture
def first_commit_fails(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the first commit meet a conflict; return a list that is no longer empty after it."""
    truly = ClientSession.commit_transaction
    failed: list[int] = []

    def commit(session: ClientSession) -> None:
        if not failed:
            failed.append(1)
            session.abort_transaction()
            raise OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]})
        truly(session)

    monkeypatch.setattr(ClientSession, "commit_transaction", commit)
    return failed
