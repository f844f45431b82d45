"""Users and roles on a database that asks who comes.

SecantusDB looks at the database of a privilege and passes over its collection: that a service is
kept to its own database is proved here, that the journal only grows is not. The table says so, and
another test holds it to that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from deploy.embedded.servers import MongoServer
from deploy.installation import SERVICES
from deploy.rights import database, table
from shared.mongo import ServiceDatabase, user_of
from shared.mongo.sessions import kill_predecessors
from shared.settings import Settings
from tests.deploy.rights.guarded import PASSWORD, GuardedMongo

pytestmark = pytest.mark.servers

PREFIX = "gongxiang_"
NOT_AUTHORIZED = 13
WORDS = {user: f"{user}-own" for user in table.users()}


@pytest.fixture(scope="module")
def mongo_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedMongo]:
    """A database with users and roles, made as compose's one-shot makes them."""
    server = GuardedMongo(tmp_path_factory.mktemp("guarded"))
    server.start()
    try:
        server.guard()
        root = _settings(server, "root", PASSWORD)
        assert not database.begin_replica_set(root)
        assert len(database.apply(root, WORDS)) == len(SERVICES) + len(table.users())
        assert database.apply(root, WORDS) == []
        yield server
    finally:
        server.stop()


def _settings(server: MongoServer, user: str, password: str) -> Settings:
    return Settings(
        mode="production",
        mongo_uri=server.uri,
        kafka_bootstrap="",
        jwks_url="",
        slot=f"{user}-worker-0",
        mongo_username=user,
        mongo_password=password,
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_works_in_its_own_database_and_reads_no_other(
    mongo_: GuardedMongo, service: str
) -> None:
    opened = ServiceDatabase.connect(_settings(mongo_, service, WORDS[service]), service)
    try:
        opened.unit_of_work(lambda work: work.db.alarms.insert_one({}, session=work.session))
        kill_predecessors(opened.client, opened.db.sessions, f"{service}-worker-0")
        for other in set(SERVICES) - {service}:
            things = opened.client[PREFIX + other].outbox
            for attempt in (
                lambda things=things: things.find_one({}),
                lambda things=things: things.insert_one({}),
                lambda things=things: things.update_many({}, {"$set": {"a": 1}}),
                lambda things=things: things.delete_many({}),
                lambda things=things: things.drop(),
            ):
                _refused(attempt)
        for reach in (
            opened.db.alarms.drop,
            lambda: opened.client.drop_database(PREFIX + service),
            lambda: opened.client.admin.command("createUser", "x", pwd="x", roles=["root"]),
            lambda: opened.client.admin.command("updateUser", service, roles=["root"]),
            lambda: opened.client.admin.command("usersInfo", 1),
        ):
            _refused(reach)
    finally:
        opened.close()


def test_the_operator_reads_all_four_and_makes_no_user(mongo_: GuardedMongo) -> None:
    with _client(mongo_, table.OPERATOR, WORDS[table.OPERATOR]) as client:
        for service in SERVICES:
            client[PREFIX + service].outbox.find_one({})
        _refused(lambda: client.admin.command("createUser", "x", pwd="x", roles=["root"]))


def test_who_does_not_say_who_they_are_is_not_let_in(mongo_: GuardedMongo) -> None:
    with (
        MongoClient[dict[str, Any]](mongo_.uri) as nobody,
        _client(mongo_, "store", "0ther") as liar,
    ):
        for client in (nobody, liar):
            with pytest.raises(OperationFailure):
                client[f"{PREFIX}store"].outbox.find_one({})


def _client(server: MongoServer, user: str, password: str) -> MongoClient[dict[str, Any]]:
    return MongoClient(server.uri, **user_of(_settings(server, user, password)))


def _refused(attempt: Any) -> None:
    with pytest.raises(OperationFailure) as refused:
        attempt()
    assert refused.value.code == NOT_AUTHORIZED


def test_to_begin_a_replica_set_its_first_member_is_asked_with_all_other_options() -> None:
    uri = "mongodb://u:p@one:1,two:2/admin?replicaSet=rs0&tls=true&authSource=admin"

    assert database._to_the_first(uri) == "mongodb://u:p@one:1/admin?tls=true&authSource=admin"
    assert database._to_the_first("mongodb://one:1/?replicaSet=rs0") == "mongodb://one:1/?"
