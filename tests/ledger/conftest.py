"""A ledger's database of the test's own, with one open book."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from deploy.embedded.servers import KafkaServer, MongoServer
from services.ledger import operations, repository
from services.ledger.settings import LedgerSettings
from shared import clock, ids
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK, ZONE

Connect = Callable[..., ServiceDatabase]


def settings_for(mongo: MongoServer, kafka: KafkaServer | None = None) -> LedgerSettings:
    return LedgerSettings(
        mode="embedded",
        mongo_uri=mongo.uri,
        kafka_bootstrap=kafka.bootstrap if kafka else "127.0.0.1:1",
        jwks_url="",
        database_prefix=f"t{ids.new_id()}_",
        topic_partitions=2,
        slot="ledger-0",
    )


@pytest.fixture
def settings(mongo: MongoServer) -> LedgerSettings:
    return settings_for(mongo)


@pytest.fixture
def connect(settings: LedgerSettings) -> Iterator[Connect]:
    """Return ``connect(slot)``: another process's connection to the same database."""
    opened: list[ServiceDatabase] = []

    def connect(slot: str = "ledger-0") -> ServiceDatabase:
        opened.append(ServiceDatabase.connect(replace(settings, slot=slot), "ledger"))
        return opened[-1]

    yield connect
    opened[0].client.drop_database(opened[0].db.name)
    for database in opened:
        database.close()


@pytest.fixture
def empty(connect: Connect) -> ServiceDatabase:
    """Return a ledger's database without any book."""
    database = connect()
    repository.prepare(database)
    return database


@pytest.fixture
def database(empty: ServiceDatabase) -> ServiceDatabase:
    """Return a ledger's database with the book open."""
    open_book(empty)
    return empty


def open_book(database: ServiceDatabase, book: str = BOOK) -> None:
    operations.open_book(database, book=book, name="天元区 Tianyuan", zone=ZONE, now=clock.now())
