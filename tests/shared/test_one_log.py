"""A topic that is made again keeps its name, and is another log all the same."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import pytest
from kafka import KafkaConsumer
from kafka.errors import KafkaConnectionError

from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock
from shared.kafka import Admin, BrokerTrouble, Producer, read_all
from shared.mongo import ServiceDatabase
from shared.relay import OutboxRelay, outgoing
from shared.settings import Settings
from shared.worker.relaying import Relaying
from tests.shared.conftest import settings_for
from tests.shared.small_service import placed
from tests.waiting import wait_until

pytestmark = pytest.mark.servers

TOPIC = "store.events"


@pytest.fixture
def settings(mongo: MongoServer, empty_kafka: KafkaServer) -> Settings:
    return settings_for(mongo, empty_kafka, slot="teller-worker-0")


@pytest.fixture
def teller(connect: Callable[..., ServiceDatabase], settings: Settings) -> ServiceDatabase:
    database = connect("store", settings)
    database.unit_of_work(lambda work: work.tell(placed("o1")))
    return database


def log_made_anew(settings: Settings) -> str:
    """Make the topic, again where it was there; return its log's id."""
    with closing(Admin(settings)) as admin:
        admin.remove_topics([TOPIC])
        admin.ensure_topics([TOPIC])
        wait_until(lambda: admin.log_ids([TOPIC]))
        return (admin.log_ids([TOPIC]) or {})[TOPIC]


def in_topic(settings: Settings) -> list[str]:
    return [message.headers["ce_id"] for message in read_all(settings, [TOPIC], timeout_s=10)]


@contextmanager
def relaying(database: ServiceDatabase, log_id: str) -> Iterator[None]:
    """Let the relay's loop run on a log."""
    stop = threading.Event()
    loop = Relaying(
        database=database,
        relay=OutboxRelay(database),
        topic=TOPIC,
        log_id=log_id,
        stop=stop,
        handled=threading.Event(),
    )
    with ThreadPoolExecutor(1) as pool:
        ran = pool.submit(loop.run)
        try:
            yield
        finally:
            stop.set()
            ran.result(15)


def test_what_is_sent_to_a_log_that_is_gone_is_refused_and_not_in_its_successor(
    teller: ServiceDatabase, settings: Settings
) -> None:
    told = [outgoing(row) for row in teller.db.outbox.find()]
    first = log_made_anew(settings)
    with closing(Producer(settings, {TOPIC: first})) as producer:
        assert producer.send(told) == [True]
        assert in_topic(settings) == ["o1:1"]
        second = log_made_anew(settings)
        began = clock.monotonic()
        with pytest.raises(BrokerTrouble):
            producer.send(told)
        with pytest.raises(BrokerTrouble):
            producer.send(told)
        assert clock.monotonic() - began < 8, "refused at once, not when its time was over"
    assert in_topic(settings) == []
    with closing(Producer(settings, {TOPIC: second})) as producer:
        assert producer.send(told) == [True]
    assert in_topic(settings) == ["o1:1"]


def test_a_relay_that_does_not_know_yet_tells_the_new_log_nothing(
    teller: ServiceDatabase, settings: Settings
) -> None:
    first = log_made_anew(settings)
    with relaying(teller, first):
        wait_until(lambda: in_topic(settings) == ["o1:1"])
        second = log_made_anew(settings)
        # Its predecessor lies in the first log: told now, it would be the first of the second.
        teller.unit_of_work(lambda work: work.tell(placed("o1", version=2)))
        clock.sleep(1.5)
        assert in_topic(settings) == []
    with relaying(teller, second):
        wait_until(lambda: len(in_topic(settings)) == 2)
    assert in_topic(settings) == ["o1:1", "o1:2"]
    assert {row["sent_to"] for row in teller.db.outbox.find()} == {second}


def test_a_relay_that_ends_with_an_error_lets_its_producer_go(
    teller: ServiceDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Producer] = []
    close = Producer.close

    def noted(one: Producer) -> None:
        closed.append(one)
        close(one)

    monkeypatch.setattr(Producer, "close", noted)

    def fail(*_: object) -> int:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(OutboxRelay, "round", fail)
    with pytest.raises(KeyError), relaying(teller, log_made_anew(settings)):
        wait_until(lambda: closed)
    assert len(closed) == 1


def test_who_reads_learns_what_went_wrong_and_not_that_closing_did_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(consumer: KafkaConsumer, **_: object) -> None:
        close(consumer, autocommit=False)
        raise KafkaConnectionError("closing")

    close = KafkaConsumer.close
    log_made_anew(settings)
    monkeypatch.setattr(KafkaConsumer, "close", fail)
    monkeypatch.setattr("shared.kafka.reading.POSITION_MS", 200)
    assert in_topic(settings) == []
    monkeypatch.setattr(KafkaConsumer, "end_offsets", lambda _, places: dict.fromkeys(places, 1))
    with pytest.raises(BrokerTrouble, match="not read within"):
        list(read_all(settings, [TOPIC], timeout_s=0.5))
