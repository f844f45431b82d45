"""What we rely on in the embedded servers, one contract a test; they are young, or set up by us."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Binary
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.structs import OffsetAndMetadata, TopicPartition
from pymongo import MongoClient, monitoring
from pymongo.errors import DuplicateKeyError, OperationFailure

from deploy.embedded.servers import KafkaServer, MongoServer

pytestmark = pytest.mark.servers

WRITE_CONFLICT = 112
NO_SUCH_TRANSACTION = 251


class Writes(monitoring.CommandListener):
    """The writes that a client sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Keep it, as it went out."""
        if event.command_name == "insert":
            self.sent.append(event.command)

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Ask no more of it."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Ask no more of it."""


class HastyMongoServer(MongoServer):
    """Looks at its TTL indexes every half second; by itself it does so once a minute."""

    def command(self) -> list[str]:
        return [sys.executable, "-c", _HASTY_SERVER, *super().command()[3:]]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """MongoDB's protocol on disk, to be killed."""
    server = MongoServer(tmp_path_factory.mktemp("mongo"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker of our own, to be killed and wiped."""
    server = KafkaServer(tmp_path_factory.mktemp("broker"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def client(disk: MongoServer) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of the server on disk."""
    with MongoClient[dict[str, Any]](disk.uri, serverSelectionTimeoutMS=5000) as client:
        yield client


@pytest.fixture
def things(client: MongoClient[dict[str, Any]], request: pytest.FixtureRequest) -> Any:
    """A collection of this test's own."""
    return client.contracts.create_collection(request.node.name)


def test_no_write_is_numbered_for_the_server_to_remember(disk: MongoServer) -> None:
    writes = Writes()
    with MongoClient[dict[str, Any]](disk.uri, event_listeners=[writes]) as client:
        client.contracts.numbered.insert_one({"_id": 1})

    (sent,) = writes.sent
    assert "txnNumber" not in sent


def test_the_second_writer_of_a_document_is_told_to_run_again(client, things):
    things.insert_one({"_id": 1, "n": 0})

    with client.start_session() as one, client.start_session() as two:
        one.start_transaction()
        two.start_transaction()
        things.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=one)
        with pytest.raises(OperationFailure) as conflict:
            things.update_one({"_id": 1}, {"$inc": {"n": 1}}, session=two)
        one.commit_transaction()

    assert conflict.value.code == WRITE_CONFLICT
    assert conflict.value.has_error_label("TransientTransactionError")
    assert things.find_one({"_id": 1})["n"] == 1


def test_a_transaction_sees_what_stood_when_it_began(client, things):
    things.insert_one({"_id": 1, "n": 0})

    with client.start_session() as session, session.start_transaction():
        before = things.find_one({"_id": 1}, session=session)
        things.update_one({"_id": 1}, {"$set": {"n": 9}})
        after = things.find_one({"_id": 1}, session=session)

    assert before == after == {"_id": 1, "n": 0}


def test_an_aborted_transaction_leaves_nothing(client, things):
    with client.start_session() as session:
        session.start_transaction()
        things.insert_one({"_id": 1}, session=session)
        session.abort_transaction()

    assert things.count_documents({}) == 0


def test_a_duplicate_ends_its_transaction(client, things):
    things.create_index([("book", 1), ("n", 1)], unique=True)
    things.insert_one({"_id": "a", "book": "b", "n": 1})

    with client.start_session() as session:
        session.start_transaction()
        with pytest.raises(DuplicateKeyError):
            things.insert_one({"_id": "c", "book": "b", "n": 1}, session=session)
        with pytest.raises(OperationFailure) as ended:
            session.commit_transaction()

    assert ended.value.code == NO_SUCH_TRANSACTION
    assert things.count_documents({}) == 1


def test_acknowledged_transactions_survive_kill_9(disk, client, things):
    for number in range(20):
        with client.start_session() as session, session.start_transaction():
            things.insert_one({"_id": number}, session=session)
            things.insert_one({"_id": f"told-{number}"}, session=session)

    disk.kill()
    disk.start()

    assert things.count_documents({}) == 40


def test_what_is_past_its_time_is_deleted(tmp_path):
    server = HastyMongoServer(tmp_path)
    server.start()
    try:
        with MongoClient[dict[str, Any]](server.uri) as client:
            things = client.contracts.things
            things.create_index("sent_at", expireAfterSeconds=3600)
            old = datetime.now(UTC) - timedelta(hours=2)  # a TTL index knows real time only
            things.insert_many([{"_id": "old", "sent_at": old}, {"_id": "unsent"}])

            _until(lambda: things.count_documents({}) == 1)

            left = things.find_one()
            assert left is not None
            assert left["_id"] == "unsent"
    finally:
        server.stop()


def test_kill_sessions_frees_what_a_dead_client_had_locked(disk, client, things):
    things.insert_one({"_id": 1, "n": 0})
    dying = subprocess.Popen(
        [sys.executable, "-c", _DYING_CLIENT, disk.uri, things.name],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert dying.stdout
    session_id = Binary(bytes.fromhex(dying.stdout.readline().strip()), 4)
    dying.kill()
    dying.wait()
    dying.stdout.close()

    with client.start_session() as session:
        session.start_transaction()
        with pytest.raises(OperationFailure):
            things.update_one({"_id": 1}, {"$set": {"n": 2}}, session=session)
        client.admin.command("killSessions", [{"id": session_id}])
        session.abort_transaction()
        session.start_transaction()
        things.update_one({"_id": 1}, {"$set": {"n": 3}}, session=session)
        session.commit_transaction()

    assert things.find_one({"_id": 1})["n"] == 3


def test_a_server_that_stands_still_answers_again_when_it_goes_on(disk):
    disk.suspend()
    try:
        assert not disk.answers()
    finally:
        disk.resume()

    _until(disk.answers)


def test_messages_and_offsets_survive_kill_9(broker):
    place = TopicPartition("kept", 0)
    _create_topic(broker, "kept")
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap, acks="all")
    for number in range(50):
        producer.send("kept", str(number).encode()).get(timeout=10)
    consumer = _consumer(broker)
    consumer.assign([place])
    consumer.commit({place: OffsetAndMetadata(20, "", -1)})
    consumer.close()

    broker.kill()
    broker.start()

    producer.send("kept", b"50").get(timeout=20)
    producer.close()
    consumer = _consumer(broker)
    consumer.assign([place])
    heard = [int(record.value) for record in _poll(consumer, 31)]
    consumer.close()
    assert heard == list(range(20, 51))


def test_a_wiped_broker_is_another_cluster_on_the_same_port(broker):
    _create_topic(broker, "forgotten")
    before, port = _cluster_id(broker), broker.port

    broker.wipe()
    broker.start()

    assert _cluster_id(broker) != before
    assert _topics(broker).isdisjoint({"forgotten"})
    assert broker.port == port


@pytest.mark.parametrize("kind", [MongoServer, KafkaServer])
def test_a_data_directory_keeps_its_ports(kind, tmp_path):
    assert kind(tmp_path).port == kind(tmp_path).port


def _until(holds: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "did not come to hold in time"
        time.sleep(0.1)


def _admin(broker: KafkaServer) -> KafkaAdminClient:
    return KafkaAdminClient(bootstrap_servers=broker.bootstrap, bootstrap_timeout_ms=5000)


def _create_topic(broker: KafkaServer, name: str) -> None:
    admin = _admin(broker)
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    admin.close()


def _cluster_id(broker: KafkaServer) -> str:
    admin = _admin(broker)
    cluster_id: str = admin.describe_cluster()["cluster_id"]
    admin.close()
    return cluster_id


def _topics(broker: KafkaServer) -> set[str]:
    admin = _admin(broker)
    topics = set(admin.list_topics())
    admin.close()
    return topics


def _consumer(broker: KafkaServer) -> KafkaConsumer:
    return KafkaConsumer(
        bootstrap_servers=broker.bootstrap, group_id="contract", enable_auto_commit=False
    )


def _poll(consumer: KafkaConsumer, records_wanted: int) -> list[Any]:
    records: list[Any] = []
    deadline = time.monotonic() + 20
    while len(records) < records_wanted and time.monotonic() < deadline:
        for batch in consumer.poll(500).values():
            records.extend(batch)
    return records


_DYING_CLIENT = """
import sys, time
from pymongo import MongoClient
client = MongoClient(sys.argv[1])
session = client.start_session()
session.start_transaction()
client.contracts[sys.argv[2]].update_one({"_id": 1}, {"$set": {"n": 1}}, session=session)
print(session.session_id["id"].hex(), flush=True)
time.sleep(60)
"""


# Its command line has no option for this, so the default of the class is what can be changed.
_HASTY_SERVER = """
import sys
from secantus import cli, storage
init = storage.Storage.__init__
def hasty(*arguments, **options):
    init(*arguments, **{**options, "ttl_sweep_seconds": 0.5})
storage.Storage.__init__ = hasty
sys.exit(cli.main())
"""
