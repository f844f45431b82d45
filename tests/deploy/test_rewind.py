"""Rewinding takes marks back, and no relay at work can undo it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from deploy import rewind
from deploy.embedded.servers import MongoServer
from services.ledger.repository.books import Mark, move_mark
from shared import clock, ids
from shared.mongo import ServiceDatabase
from shared.settings import Settings

pytestmark = pytest.mark.servers

LOG = "cluster:topic"


@pytest.fixture
def settings(mongo: MongoServer) -> Settings:
    return Settings(
        mode="embedded",
        mongo_uri=mongo.uri,
        kafka_bootstrap="",
        jwks_url="",
        database_prefix=f"w{ids.new_id()}_",
    )


@pytest.fixture
def client(settings: Settings) -> Iterator[MongoClient[Any]]:
    client: MongoClient[Any] = MongoClient(settings.mongo_uri, tz_aware=True)
    yield client
    for service in ("store", "ledger"):
        client.drop_database(settings.database_prefix + service)
    client.close()


@pytest.fixture
def store(client: MongoClient[Any], settings: Settings) -> Database[Any]:
    return client[f"{settings.database_prefix}store"]


@pytest.fixture
def books(client: MongoClient[Any], settings: Settings) -> Any:
    return client[f"{settings.database_prefix}ledger"].books


def row(store: Database[Any], name: str, *, hours_ago: float, log: str | None = LOG) -> None:
    at = clock.real_now() - timedelta(hours=hours_ago)
    marks = {"sent_to": log, "sent_at": at} if log else {}
    store.outbox.insert_one({"_id": name, "told_at": at, **marks})


def day(days_ago: int) -> str:
    return (clock.real_now() - timedelta(days=days_ago)).date().isoformat()


def test_marks_of_these_hours_are_taken_back_and_no_others(
    store: Database[Any], settings: Settings
) -> None:
    for log in (LOG, "older:topic"):
        store.logs.insert_one({"_id": log})
    row(store, "old", hours_ago=50)
    row(store, "new", hours_ago=10)
    row(store, "of-an-older-log", hours_ago=10, log="older:topic")
    row(store, "unsent", hours_ago=1, log=None)

    assert rewind.rewind(settings, "store", hours=48) == 2

    marks = {one["_id"]: (one.get("sent_to"), one.get("sent_at")) for one in store.outbox.find()}
    assert marks.pop("old")[0] == LOG
    assert set(marks.values()) == {(None, None)}


def test_a_books_mark_goes_back_to_where_the_day_began(books: Any, settings: Settings) -> None:
    days = [{"day": day(5), "n": 10}, {"day": day(2), "n": 40}, {"day": day(0), "n": 90}]
    books.insert_one({"_id": "430211", "told": {"log": LOG, "n": 100}, "days": days})

    assert rewind.rewind(settings, "ledger", hours=48) == 60

    assert books.find_one()["told"] == {"log": LOG, "n": 40}


def test_where_no_note_is_that_old_a_book_is_told_from_its_beginning(
    books: Any, settings: Settings
) -> None:
    days = [{"day": day(0), "n": 90}]
    books.insert_one({"_id": "430211", "told": {"log": LOG, "n": 100}, "days": days})

    assert rewind.rewind(settings, "ledger", hours=48) == 100


def test_a_mark_that_is_lower_already_is_never_raised(books: Any, settings: Settings) -> None:
    days = [{"day": day(3), "n": 90}]
    books.insert_one({"_id": "430211", "told": {"log": LOG, "n": 7}, "days": days})

    assert rewind.rewind(settings, "ledger", hours=48) == 0

    assert books.find_one()["told"]["n"] == 7


def test_a_relay_that_had_read_the_mark_before_cannot_undo_it(
    books: Any, settings: Settings
) -> None:
    books.insert_one({"_id": "430211", "told": {"log": LOG, "n": 100}, "days": []})
    read = Mark(log=LOG, n=100)

    rewind.rewind(settings, "ledger", hours=48)
    database = ServiceDatabase(MongoClient(settings.mongo_uri), "ledger", settings)
    moved = move_mark(database, "430211", read=read, now=Mark(log=LOG, n=120))
    database.close()

    assert not moved
    assert books.find_one()["told"]["n"] == 0


@pytest.mark.parametrize("hours", ["0", "-1", "200", "nan"])
def test_hours_that_cannot_be_meant_are_refused(hours: str) -> None:
    with pytest.raises(SystemExit):
        rewind.main(["--service", "store", "--hours", hours])


def test_the_command_says_how_many_will_be_sent_again(
    store: Database[Any],
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store.logs.insert_one({"_id": LOG})
    row(store, "new", hours_ago=10)
    monkeypatch.setenv("GONGXIANG_MODE", "embedded")
    monkeypatch.setenv("GONGXIANG_MONGO_URI", settings.mongo_uri)
    monkeypatch.setenv("GONGXIANG_KAFKA_BOOTSTRAP", "none")
    monkeypatch.setenv("GONGXIANG_JWKS_URL", "none")
    monkeypatch.setenv("GONGXIANG_DATABASE_PREFIX", settings.database_prefix)

    assert rewind.main(["--service", "store", "--hours", "48"]) == 0

    assert "1 events will be sent again" in capsys.readouterr().out
