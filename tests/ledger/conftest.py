"""A ledger's database of the test's own, with one open book."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from deploy.embedded.servers import KafkaServer, MongoServer
from services.ledger import operations, repository
from services.ledger.rows import Rows
from services.ledger.settings import LedgerSettings
from shared import clock, ids
from shared.mongo import ServiceDatabase
from shared.settings import Settings
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


@pytest.fixture(scope="session")
def kept(mongo: MongoServer) -> Iterator[ServiceDatabase]:
    """One ledger's database for the run: making its indexes costs more than most tests here."""
    database = ServiceDatabase.connect(settings_for(mongo), "ledger")
    repository.prepare(database)
    yield database
    database.close()


@pytest.fixture
def settings(kept: ServiceDatabase) -> Settings:
    return kept.settings


@pytest.fixture(autouse=True)
def closed_rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what writes rows, so that no test's rows come late into another's book."""
    made: list[Rows] = []
    real = Rows.__init__

    def noted(self: Rows, database: ServiceDatabase) -> None:
        real(self, database)
        made.append(self)

    monkeypatch.setattr(Rows, "__init__", noted)
    yield
    for rows in made:
        rows.close()


@pytest.fixture
def connect(kept: ServiceDatabase) -> Iterator[Connect]:
    """Return ``connect(slot)``: another process's connection to the same database."""
    opened: list[ServiceDatabase] = []

    def connect(slot: str) -> ServiceDatabase:
        opened.append(ServiceDatabase.connect(replace(kept.settings, slot=slot), "ledger"))
        return opened[-1]

    yield connect
    for database in opened:
        database.close()


@pytest.fixture
def empty(kept: ServiceDatabase) -> ServiceDatabase:
    """Return a ledger's database without any book."""
    for name in ("journal", "accounts", "books", "volunteer_copies", "alarms", "dead_letters"):
        kept.db[name].delete_many({})
    return kept


@pytest.fixture
def database(empty: ServiceDatabase) -> ServiceDatabase:
    """Return a ledger's database with the book open."""
    open_book(empty)
    return empty


def open_book(database: ServiceDatabase, book: str = BOOK) -> None:
    operations.open_book(database, book=book, name="天元区 Tianyuan", zone=ZONE, now=clock.now())
