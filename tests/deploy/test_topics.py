"""Topics: made where they are missing, with one partition count, widened only when drained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from deploy import topics
from deploy.audit.logs import HEARS, opened, topic_of
from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock, ids
from shared.kafka import Admin, Consumer, OtherPartitionCount, Outgoing, Producer, group_name
from shared.settings import Settings
from tests.waiting import wait_until

pytestmark = pytest.mark.servers

DISTRICT = "430211"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker of our own: the names of the topics are the installation's."""
    server = KafkaServer(tmp_path_factory.mktemp("topics"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def settings(mongo: MongoServer, broker: KafkaServer) -> Iterator[Settings]:
    settings = Settings(
        mode="embedded",
        mongo_uri=mongo.uri,
        kafka_bootstrap=broker.bootstrap,
        jwks_url="",
        database_prefix=f"k{ids.new_id()}_",
        topic_partitions=2,
        slot="store-worker-0",
    )
    yield settings
    _forget_topics(settings)
    client: MongoClient[Any] = MongoClient(mongo.uri)
    for service in HEARS:
        client.drop_database(settings.database_prefix + service)
    client.close()


def _forget_topics(settings: Settings) -> None:
    admin = Admin(settings)
    there = [topic for topic, found in admin.topic_ids(topics.TOPICS).items() if found]
    if there:
        admin._client.delete_topics(there)
    wait_until(lambda: not any(admin.topic_ids(topics.TOPICS).values()))
    admin.close()


def tell(settings: Settings, number: int) -> None:
    """Send an event to the ledger's topic."""
    producer = Producer(settings)
    event = Outgoing(
        topic="ledger.events",
        key=DISTRICT,
        id=f"{DISTRICT}:{number}:0",
        type="HoldPlaced",
        source="ledger",
        subject=DISTRICT,
        at="2026-11-21T00:00:00Z",
        correlation="",
        body="{}",
    )
    assert producer.send([event]) == [True]
    producer.close()


def read_everything(settings: Settings, hearer: str) -> None:
    """Hear and commit all, as a service's present group."""
    admin = Admin(settings)
    heard = [topic_of(teller) for teller in HEARS[hearer]]
    group = group_name(hearer, admin.log_ids(heard) or {})
    admin.close()
    consumer = Consumer(replace(settings, slot=f"{hearer}-worker-0"), group, heard)
    deadline = clock.monotonic() + 60
    got = 0
    try:
        while got < 1:
            assert clock.monotonic() < deadline
            polled = consumer.poll(200)
            consumer.missed()
            consumer.commit({place: messages[-1] for place, messages in polled.items()})
            got += sum(map(len, polled.values()))
    finally:
        consumer.close()


def test_missing_topics_are_made_and_the_same_count_is_no_news(settings: Settings) -> None:
    assert topics.ensure(settings) == dict.fromkeys(topics.TOPICS, 2)
    assert topics.ensure(settings) == dict.fromkeys(topics.TOPICS, 2)


@pytest.mark.parametrize("partitions", [1, 3])
def test_another_partition_count_is_refused(settings: Settings, partitions: int) -> None:
    topics.ensure(settings)

    with pytest.raises(OtherPartitionCount):
        topics.ensure(replace(settings, topic_partitions=partitions))


def test_drained_topics_are_widened_and_never_narrowed(settings: Settings) -> None:
    topics.ensure(settings)
    wide = replace(settings, topic_partitions=4)

    assert sorted(topics.widen(wide)) == sorted(topics.TOPICS)
    assert topics.ensure(wide) == dict.fromkeys(topics.TOPICS, 4)
    with pytest.raises(OtherPartitionCount):
        topics.widen(settings)


def test_what_is_not_read_yet_keeps_topics_narrow(settings: Settings) -> None:
    topics.ensure(settings)
    tell(settings, 1)

    with pytest.raises(topics.NotDrained, match=r"1 messages of ledger\.events not read yet"):
        topics.widen(replace(settings, topic_partitions=4))

    for hearer in ("activities", "store"):
        read_everything(settings, hearer)
    assert topics.widen(replace(settings, topic_partitions=4))


def test_what_is_not_sent_yet_and_who_relays_keep_topics_narrow(
    settings: Settings, mongo: MongoServer
) -> None:
    topics.ensure(settings)
    client: MongoClient[Any] = MongoClient(mongo.uri)
    store = client[f"{settings.database_prefix}store"]
    store.outbox.insert_one({"_id": "o1:1", "told_at": clock.real_now()})
    until = clock.real_now() + timedelta(seconds=60)
    store.leases.insert_one({"_id": "relay", "slot": "store-worker-0", "until": until})
    client.close()

    with pytest.raises(topics.NotDrained) as refused:
        topics.widen(replace(settings, topic_partitions=4))

    assert "store: 1 (o1:1) not sent yet" in str(refused.value)
    assert "store-worker-0 relays" in str(refused.value)


def test_the_audit_sees_logs_as_they_are(settings: Settings) -> None:
    topics.ensure(settings)
    tell(settings, 1)
    tell(settings, 2)

    with opened(settings.kafka_bootstrap) as logs:
        ids_ = logs.ids()
        messages = list(logs.messages("ledger"))
        unread = {(one.topic, one.count) for one in logs.unread()}
        begins = set(logs.beginnings("ledger").values())
        size = logs.size("ledger")

    assert set(ids_) == set(HEARS)
    assert len(set(ids_.values())) == len(HEARS)
    assert [message.headers["ce_id"] for message in messages] == ["430211:1:0", "430211:2:0"]
    assert unread == {("ledger.events", 2)}
    assert (begins, size) == ({0}, 2)
