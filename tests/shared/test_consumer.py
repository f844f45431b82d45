"""Members of a group on a real broker: what stays, what moves, and where the marks are."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.coordinator.assignors.range import RangePartitionAssignor

from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock, ids
from shared.kafka import Admin, Consumer, Message, Place
from tests.shared.conftest import settings_for
from tests.waiting import wait_until

pytestmark = pytest.mark.servers

MESSAGES = 6


@pytest.fixture
def topic(kafka: KafkaServer) -> Iterator[str]:
    """A topic of the test's own: two partitions, the same messages in each."""
    topic = f"members-{ids.new_id()}"
    with closing(KafkaAdminClient(bootstrap_servers=kafka.bootstrap)) as admin:
        admin.create_topics([NewTopic(name=topic, num_partitions=2, replication_factor=1)])
        try:
            with closing(KafkaProducer(bootstrap_servers=kafka.bootstrap)) as producer:
                for partition in (0, 1):
                    for _ in range(MESSAGES):
                        producer.send(topic, b"1", partition=partition).get(timeout=10)
            yield topic
        finally:
            admin.delete_topics([topic])


def message(place: Place, offset: int) -> Message:
    topic, partition = place
    return Message(
        topic=topic, partition=partition, offset=offset, at_ms=0, key=None, headers={}, body=b""
    )


def test_a_mark_never_goes_back_behind_what_another_member_heard(
    mongo: MongoServer, kafka: KafkaServer, topic: str
) -> None:
    group = f"group-{topic}"

    def member(number: int) -> Consumer:
        return Consumer(settings_for(mongo, kafka, slot=f"member-{number}"), group, [topic])

    early = {(topic, partition): message((topic, partition), 1) for partition in (0, 1)}
    with closing(Admin(settings_for(mongo, kafka))) as admin, closing(member(0)) as first:
        wait_until(lambda: (first.poll(200), len(first.assignment()) == 2)[1])
        first.missed()
        with closing(member(1)) as second, ThreadPoolExecutor(2) as both:
            wait_until(
                lambda: (
                    list(both.map(lambda one: one.poll(200), (first, second))),
                    len(first.assignment()) == len(second.assignment()) == 1,
                )[1]
            )
            second.missed()
            (moved,) = second.assignment()
            assert second.commit({moved: message(moved, MESSAGES - 1)})
        admin.remove_member(group, "member-1")
        wait_until(lambda: (first.poll(200), len(first.assignment()) == 2)[1])

        # Before it has looked where the partition's mark is, it does not move it at all.
        assert not first.commit(early)
        first.missed()
        assert first.commit(early)

        stayed = (topic, 1 - moved[1])
        assert admin.group_offsets(group) == {moved: MESSAGES, stayed: 2}
        assert first.commit({stayed: message(stayed, 0)})
        assert admin.group_offsets(group) == {moved: MESSAGES, stayed: 2}


def test_a_member_that_hardly_waits_in_its_polls_joins_all_the_same(
    mongo: MongoServer, kafka: KafkaServer, topic: str
) -> None:
    settings = settings_for(mongo, kafka, slot="member-0")
    with closing(Consumer(settings, f"group-{topic}", [topic])) as member:
        # By itself the client joins anew in every poll, and never hears that it has.
        for _ in range(5):
            member.poll(0)
            clock.sleep(0.2)
        assert len(member.assignment()) == 2


def test_a_partition_that_is_anothers_is_not_committed(
    mongo: MongoServer, kafka: KafkaServer, topic: str
) -> None:
    settings, elsewhere = settings_for(mongo, kafka, slot="member-0"), ("elsewhere.events", 0)
    with closing(Consumer(settings, f"group-{topic}", [topic])) as alone:
        wait_until(lambda: (alone.poll(200), len(alone.assignment()) == 2)[1])
        alone.missed()
        assert alone.commit({elsewhere: message(elsewhere, 4)})
    with closing(Admin(settings)) as admin:
        assert admin.group_offsets(f"group-{topic}") == {(topic, 0): 0, (topic, 1): 0}


def test_a_partition_that_stays_keeps_its_place_through_a_rebalance(
    kafka: KafkaServer, topic: str
) -> None:
    def member(number: int) -> KafkaConsumer:
        consumer = KafkaConsumer(
            bootstrap_servers=kafka.bootstrap,
            group_id=f"group-{topic}",
            group_instance_id=f"member-{number}",
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        consumer.subscribe([topic])
        return consumer

    polled: list[int] = []
    with closing(member(0)) as first, closing(member(1)) as second:

        def all_came() -> bool:
            polled.extend(map(len, first.poll(200).values()))
            return sum(polled) == 2 * MESSAGES

        wait_until(all_came)
        wait_until(lambda: (second.poll(200), first.poll(200)) and len(first.assignment()) == 1)
        (stayed,) = first.assignment()

        assert first.position(stayed) == MESSAGES  # and not 0, though nothing was committed
