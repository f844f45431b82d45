"""One process whose way to the database is cut: answers in time, and no lock left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from deploy.embedded.servers import MongoServer
from shared import clock, ids
from shared.mongo import DatabaseTrouble, ServiceDatabase, UnitOfWork, answered_within
from shared.settings import Settings
from shared.web import Blueprint, app, create_app, observing, public, service_db
from tests.faults.proxy import DIRECTIONS, Direction, Proxy

pytestmark = pytest.mark.servers

WITHIN_S = 1.0
SLACK_S = 2.0


@pytest.fixture
def proxy(mongo: MongoServer) -> Iterator[Proxy]:
    with Proxy(mongo.port) as proxy:
        yield proxy


@pytest.fixture
def database(proxy: Proxy) -> Iterator[ServiceDatabase]:
    """A service's database behind the proxy."""
    settings = Settings(
        mode="embedded",
        mongo_uri=f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true&w=majority",
        kafka_bootstrap="127.0.0.1:1",
        jwks_url="",
        database_prefix=f"t{ids.new_id()}_",
    )
    database = ServiceDatabase.connect(settings, "store")
    database.db.things.insert_one({"_id": "one", "times": 0})
    yield database
    proxy.heal()
    database.client.drop_database(database.db.name)
    database.close()


def counted(work: UnitOfWork) -> None:
    work.db.things.update_one({"_id": "one"}, {"$inc": {"times": 1}}, session=work.session)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_transaction_that_a_cut_left_open_holds_nobody_up(
    database: ServiceDatabase, proxy: Proxy, direction: Direction
) -> None:
    def cut(work: UnitOfWork) -> None:
        counted(work)
        proxy.cut(direction)
        work.db.things.find_one({"_id": "one"}, session=work.session)

    with pytest.raises(DatabaseTrouble), answered_within(WITHIN_S):
        database.unit_of_work(cut)
    proxy.heal()

    began = clock.monotonic()
    database.unit_of_work(counted)
    assert clock.monotonic() - began < WITHIN_S + SLACK_S
    assert (database.db.things.find_one({}) or {})["times"] == 1


@pytest.fixture
def web(database: ServiceDatabase, tmp_path: Path) -> Flask:
    """A service that reads and writes one thing."""
    things = Blueprint("things", __name__)

    @things.get("/v1/things")
    @public
    def read() -> dict[str, int]:
        return {"times": (service_db().db.things.find_one({}) or {})["times"]}

    @things.get("/v1/counted-things")
    @public
    def write() -> dict[str, int]:
        service_db().unit_of_work(counted)
        return {}

    return create_app(database.settings, service="store", database=database, blueprints=[things])


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_while_the_database_is_cut_off_each_request_is_answered_in_time(
    web: Flask, proxy: Proxy, direction: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "DATABASE_S_MAX", WITHIN_S)
    monkeypatch.setattr(observing, "READY_WITHIN_S", WITHIN_S)
    client = web.test_client()
    paths = ("/v1/things", "/v1/counted-things", "/readyz")
    assert [client.get(path).status_code for path in paths] == [200] * 3

    proxy.cut(direction)
    for path in paths:
        began = clock.monotonic()
        answer = client.get(path)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), path
        assert clock.monotonic() - began < WITHIN_S + SLACK_S, path

    proxy.heal()
    assert [client.get(path).status_code for path in paths] == [200] * 3
