"""On a broker with compose's own properties a service's user may do what the table says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    NewTopic,
    ResourcePattern,
    ResourceType,
)

from deploy import topics
from deploy.installation import SERVICES
from deploy.rights import broker, table
from shared import clock, events
from shared.kafka import (
    Admin,
    BrokerTrouble,
    Consumer,
    Outgoing,
    Producer,
    client_options,
    group_name,
)
from shared.settings import Settings
from tests.deploy.rights.guarded import PASSWORD, GuardedKafka

pytestmark = pytest.mark.servers

HEARD_WITHIN_S = 60.0
REFUSED = "AuthorizationFailed"


@pytest.fixture(scope="module")
def kafka_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    """A broker with topics, users and rights, made as compose's one-shots make them."""
    server = GuardedKafka(tmp_path_factory.mktemp("guarded"))
    server.start()
    try:
        operator = server.settings(table.OPERATOR, PASSWORD)
        topics.ensure(operator)
        changed = broker.apply(operator, {service: f"{service}-own" for service in SERVICES})
        assert len(changed) == sum(len(table.broker_rights(service)) for service in SERVICES)
        _until_allowed(server)
        yield server
    finally:
        server.stop()


def _until_allowed(server: GuardedKafka) -> None:
    """Wait until the broker has taken over what its controller wrote down."""
    deadline = clock.monotonic() + 10
    for service in SERVICES:
        while not _works(partial(_log_ids, _settings(server, service), service)):
            assert clock.monotonic() < deadline
            clock.sleep(0.1)


def _works(do: Callable[[], Any]) -> bool:
    try:
        do()
    except BrokerTrouble:
        return False
    return True


def _settings(server: GuardedKafka, service: str) -> Settings:
    return server.settings(service, f"{service}-own")


def _log_ids(settings: Settings, service: str) -> dict[str, str]:
    admin = Admin(settings)
    try:
        found = admin.log_ids([events.topic_of(service), *table.heard_topics(service)])
        if found is None:
            raise BrokerTrouble("not described")
        return found
    finally:
        admin.close()


def _tell(settings: Settings, topic: str, number: int) -> bool:
    event = Outgoing(
        topic=topic,
        key="430211",
        id=f"430211:{number}",
        type="HoldPlaced",
        source=topic.partition(".")[0],
        subject="430211",
        at="2026-11-21T00:00:00Z",
        correlation="",
        body="{}",
    )
    producer = Producer(settings)
    try:
        return producer.send([event]) == [True]
    finally:
        producer.close()


def _hear(settings: Settings, group: str, heard: list[str]) -> set[str]:
    """Join, read and commit until each topic brought something; return which did."""
    consumer = Consumer(settings, group, heard)
    deadline = clock.monotonic() + HEARD_WITHIN_S
    came: set[str] = set()
    try:
        while came != set(heard) and clock.monotonic() < deadline:
            polled = consumer.poll(200)
            came |= {topic for topic, _ in polled}
            consumer.missed()
            consumer.commit({place: messages[-1] for place, messages in polled.items()})
        return came
    finally:
        consumer.close()


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_writes_its_own_topic_and_no_other(kafka_: GuardedKafka, service: str) -> None:
    settings = _settings(kafka_, service)

    wrote = {topic: _wrote(settings, topic) for topic in topics.TOPICS}

    assert wrote == {topic: topic == events.topic_of(service) for topic in topics.TOPICS}


def _wrote(settings: Settings, topic: str) -> bool:
    try:
        return _tell(settings, topic, 1)
    except BrokerTrouble:
        return False


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_hears_what_it_subscribed_to_and_nothing_else(
    kafka_: GuardedKafka, service: str
) -> None:
    settings = _settings(kafka_, service)
    group = group_name(service, _log_ids(settings, service))
    other = next(name for name in SERVICES if name != service)
    heard, mine = table.heard_topics(service), events.topic_of(service)
    for topic in heard:
        assert _tell(_settings(kafka_, topic.partition(".")[0]), topic, 2)

    assert _hear(settings, group, heard) == set(heard)
    with pytest.raises(BrokerTrouble, match=REFUSED):
        _hear(settings, group, [mine])
    admin = Admin(settings)
    try:
        admin.remove_member(group, settings.slot)
        assert {topic for topic, _ in admin.group_offsets(group)} == set(heard)
        # Whoever may read a topic may describe it.
        described = {topic for topic, id_ in admin.topic_ids(topics.TOPICS).items() if id_}
        assert described == {mine, *heard}
        with pytest.raises(BrokerTrouble, match=REFUSED):
            admin.group_offsets(f"{other}-000000000000")
    finally:
        admin.close()
    with pytest.raises(BrokerTrouble, match=REFUSED):
        _hear(settings, f"{other}-000000000000", heard)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_makes_and_removes_nothing(kafka_: GuardedKafka, service: str) -> None:
    settings = _settings(kafka_, service)
    admin = KafkaAdminClient(**client_options(settings), request_timeout_ms=5_000)
    mine = events.topic_of(service)
    everything = _right(service, "store.events", ACLOperation.ALL)
    try:
        for attempt in (
            lambda: admin.create_topics([NewTopic("x.events", 1, 1)]),
            lambda: admin.delete_topics([mine]),
            lambda: admin.create_partitions({mine: 9}),
            lambda: admin.describe_acls(broker.ALL),
        ):
            with pytest.raises(Exception, match=REFUSED):
                attempt()
        assert [error.__name__ for error in admin.create_acls([everything])["failed"]] == [
            "ClusterAuthorizationFailedError"
        ]
    finally:
        admin.close()


def _right(user: str, topic: str, operation: ACLOperation) -> ACL:
    return ACL(
        f"User:{user}",
        "*",
        operation,
        ACLPermissionType.ALLOW,
        ResourcePattern(ResourceType.TOPIC, topic),
    )


def test_who_does_not_say_who_they_are_is_not_let_in(kafka_: GuardedKafka) -> None:
    store = _settings(kafka_, "store")
    others = (
        replace(store, kafka_password="store-0wn"),
        replace(store, kafka_username="nobody"),
        replace(store, kafka_security_protocol="PLAINTEXT"),
    )

    with ThreadPoolExecutor() as pool:  # each knocks until its time is up
        asked = [pool.submit(Admin, other) for other in others]
        refused = [future.exception() for future in asked]

    assert [type(error) for error in refused] == [BrokerTrouble] * len(others)


def test_rights_made_again_are_no_news_and_a_right_too_many_is_taken_away(
    kafka_: GuardedKafka,
) -> None:
    operator = kafka_.settings(table.OPERATOR, PASSWORD)
    words = {service: f"{service}-own" for service in SERVICES}
    admin = KafkaAdminClient(**client_options(operator), request_timeout_ms=5_000)
    admin.create_acls(
        [
            _right("store", "activities.events", ACLOperation.WRITE),
            _right("guest", "store.events", ACLOperation.READ),
        ]
    )
    admin.close()

    first, again = broker.apply(operator, words), broker.apply(operator, words)

    guest = "? User:guest ALLOW READ TOPIC store.events is no right of ours"
    assert first == ["- User:store ALLOW WRITE TOPIC activities.events", guest]
    assert again == [guest]


def test_a_worker_does_not_make_a_missing_topic_but_waits_for_the_operator(
    kafka_: GuardedKafka,
) -> None:
    admin = Admin(_settings(kafka_, "store"))
    try:
        with pytest.raises(BrokerTrouble, match=REFUSED):
            admin.ensure_topics(["store.requests"])
    finally:
        admin.close()
