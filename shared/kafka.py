"""The only importer of kafka-python: topics, log ids, one that sends and waits, one that hears.

CloudEvents 1.0 in binary mode: the attributes are headers, the body is JSON. Only workers and
``deploy`` use this; a web process never talks to the broker.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import MemberToRemove, NewTopic
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import FencedInstanceIdError, KafkaError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

from shared import clock
from shared.settings import Settings

DESCRIBED_WITHIN_S = 5.0
SEND_AT_ONCE_MAX = 200
"""The producer has no buffer limit of its own, so never more futures than this are open."""

Place = tuple[str, int]
"""A topic and one of its partitions."""


class BrokerTrouble(Exception):
    """The broker did not do it now; nothing is known to be lost, try again."""


class TwinHasOurName(Exception):
    """Another process joined under our slot's name: this one has to end."""


class OtherPartitionCount(SystemExit):
    """A topic has another number of partitions than the settings say; keys would move."""


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One event on its way out, as the wire has it."""

    topic: str
    key: str
    id: str
    type: str
    source: str
    subject: str
    at: str
    correlation: str
    body: str

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the CloudEvents attributes."""
        values = {
            "ce_specversion": "1.0",
            "ce_id": self.id,
            "ce_type": self.type,
            "ce_source": self.source,
            "ce_subject": self.subject,
            "ce_time": self.at,
            "traceparent": self.correlation,
            "content-type": "application/json",
        }
        return [(name, value.encode()) for name, value in values.items() if value]


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message as it came, not looked into."""

    topic: str
    partition: int
    offset: int
    at_ms: int
    """The broker's timestamp."""
    key: bytes | None
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def _trouble() -> Iterator[None]:
    try:
        yield
    except FencedInstanceIdError as error:
        raise TwinHasOurName(str(error)) from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerTrouble(f"{type(error).__name__}: {error}") from error


def client_options(settings: Settings) -> dict[str, Any]:
    """Return what every client is told: the brokers, our name, and as whom it comes."""
    return {
        **_user(settings),
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "bootstrap_timeout_ms": 5_000,
        "client_id": settings.slot,
        "reconnect_backoff_max_ms": 500,
        "metadata_max_age_ms": 5_000,
    }


def _user(settings: Settings) -> dict[str, Any]:
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password,
        }
    if protocol.endswith("SSL") and settings.kafka_ca_file:
        options["ssl_cafile"] = settings.kafka_ca_file
    return options


class Admin:
    """What is asked of the broker beside sending and hearing."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        with _trouble():
            self._client = KafkaAdminClient(**client_options(settings), request_timeout_ms=5_000)

    def close(self) -> None:
        """Close the connections."""
        with _trouble():
            self._client.close()

    def ensure_topics(self, topics: Sequence[str]) -> None:
        """Make the topics that are missing; refuse to go on with another partition count.

        Raises :class:`OtherPartitionCount`, and :class:`BrokerTrouble` where it does not answer.
        """
        for topic in topics:
            if self.topic_ids([topic])[topic] is None:
                new = NewTopic(
                    name=topic,
                    num_partitions=self._settings.topic_partitions,
                    replication_factor=self._settings.topic_replication,
                    topic_configs={"retention.ms": str(7 * 86_400_000)},
                )
                with _trouble():
                    try:
                        self._client.create_topics([new], timeout_ms=5_000)
                    except TopicAlreadyExistsError:
                        continue
        for topic, count in self._described(topics).items():
            if count != self._settings.topic_partitions:
                raise OtherPartitionCount(
                    f"topic {topic} has {count} partitions, the settings say "
                    f"{self._settings.topic_partitions}: see `python -m deploy.topics --widen`"
                )

    def _described(self, topics: Sequence[str]) -> dict[str, int]:
        """Return the partition counts once all are known: a new topic is not at once."""
        deadline = clock.monotonic() + DESCRIBED_WITHIN_S
        while 0 in (counts := self.partition_counts(topics)).values():
            if clock.monotonic() > deadline:
                raise BrokerTrouble(f"not described within {DESCRIBED_WITHIN_S:.0f} s: {counts}")
            clock.sleep(0.1)
        return counts

    def widen(self, topic: str, partitions: int) -> None:
        """Give a drained topic more partitions."""
        with _trouble():
            self._client.create_partitions({topic: partitions})

    def remove_topics(self, topics: Sequence[str]) -> None:
        """Forget topics with all that lies in them, where they are there; wait until they are not.

        Raises :class:`BrokerTrouble` where they are still there after some seconds.
        """
        deadline = clock.monotonic() + DESCRIBED_WITHIN_S
        while there := [topic for topic, id_ in self.topic_ids(topics).items() if id_]:
            if clock.monotonic() > deadline:
                raise BrokerTrouble(f"still there: {', '.join(there)}")
            with _trouble():
                self._client.delete_topics(there, timeout_ms=5_000, raise_errors=False)
            clock.sleep(0.1)

    def cluster_id(self) -> str:
        """Return the id of the cluster; another after the broker lost its data."""
        with _trouble():
            return str(self._client.describe_cluster()["cluster_id"])

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str | None]:
        """Return each topic's id, None where it is missing."""
        with _trouble():
            described = self._client.describe_topics(list(topics))
        found = {row["name"]: row.get("topic_id") for row in described if not row.get("error_code")}
        return {topic: str(found[topic]) if found.get(topic) else None for topic in topics}

    def partition_counts(self, topics: Sequence[str]) -> dict[str, int]:
        """Return how many partitions each topic has; 0 for one not described yet."""
        with _trouble():
            described = self._client.describe_topics(list(topics))
        counts = {row["name"]: len(row.get("partitions") or []) for row in described}
        return {topic: counts.get(topic, 0) for topic in topics}

    def log_ids(self, topics: Sequence[str]) -> dict[str, str] | None:
        """Return the log id of every topic, ``<cluster>:<topic id>``; None while one is missing."""
        cluster = self.cluster_id()
        ids = self.topic_ids(topics)
        if not all(ids.values()):
            return None
        return {topic: f"{cluster}:{topic_id}" for topic, topic_id in ids.items()}

    def group_offsets(self, group: str) -> dict[Place, int]:
        """Return what a group has committed."""
        with _trouble():
            found = self._client.list_group_offsets({group: None})[group]
        return {(tp.topic, tp.partition): offset.offset for tp, offset in found.items()}

    def remove_member(self, group: str, instance: str) -> None:
        """Make the group forget a static member, so that it joins anew and is assigned anew."""
        with _trouble():
            self._client.remove_group_members(group, [MemberToRemove(group_instance_id=instance)])


def group_prefix(service: str) -> str:
    """Return how the names of all groups of a service begin: its right to join is for these."""
    return f"{service}-"


def group_name(service: str, log_ids: Mapping[str, str]) -> str:
    """Return the consumer group of a service on these logs: its offsets speak of no other log."""
    text = "\n".join(f"{topic}={log_ids[topic]}" for topic in sorted(log_ids))
    return f"{group_prefix(service)}{hashlib.sha256(text.encode()).hexdigest()[:12]}"


class Producer:
    """Sends and waits: what it says was sent, the broker has acknowledged."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._failed = False
        with _trouble():
            self._producer = self._new()

    def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
        """Send all and wait; tell of each whether the broker acknowledged it.

        After a failure nothing more is handed over, so that later ones do not come first. Raises
        :class:`BrokerTrouble` where a message could not even be handed over; then nothing is known
        of any, and all are sent again later (the hearers recognise them).
        """
        if self._failed:
            # After a fatal error the client takes messages and fails each: only a new one sends.
            self.close()
            with _trouble():
                self._producer = self._new()
            self._failed = False
        done: list[bool] = []
        for start in range(0, len(outgoing), SEND_AT_ONCE_MAX):
            if not all(done):
                break
            with _trouble():
                futures = [
                    self._producer.send(
                        event.topic,
                        value=event.body.encode(),
                        key=event.key.encode(),
                        headers=event.headers(),
                    )
                    for event in outgoing[start : start + SEND_AT_ONCE_MAX]
                ]
            done += [_acknowledged(future) for future in futures]
        self._failed = not all(done)
        return done + [False] * (len(outgoing) - len(done))

    def close(self) -> None:
        """Close within five seconds."""
        with _trouble():
            self._producer.close(timeout=5)

    def _new(self) -> KafkaProducer:
        return KafkaProducer(
            **client_options(self._settings),
            # Who sends waits for it: a pause for more to come would be waited out by all.
            linger_ms=0,
            delivery_timeout_ms=8_000,
            request_timeout_ms=4_000,
            max_block_ms=4_000,
        )


def _acknowledged(future: Any) -> bool:
    try:
        future.get(timeout=10)
    except (KafkaError, TimeoutError):
        return False
    return True


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]
    """Remembers which partitions came, until the hearer has looked at where they begin."""

    def __init__(self) -> None:
        self.new: set[TopicPartition] = set()
        self._anew: set[TopicPartition] = set()
        self._guard = threading.Lock()

    def on_partitions_revoked(self, revoked: Any) -> None:
        self.new -= set(revoked)

    def on_partitions_assigned(self, assigned: Any) -> None:
        self.new |= set(assigned)
        with self._guard:
            self._anew |= set(assigned)

    def take_anew(self) -> set[TopicPartition]:
        """Return what was assigned since this was asked last."""
        with self._guard:
            anew, self._anew = self._anew, set()
            return anew


@dataclass(frozen=True, kw_only=True)
class Missed:
    """Messages that retention deleted before this group had heard them."""

    topic: str
    partition: int
    count: int
    last_heard_ms: int | None
    """The broker's time of the last message heard, where known."""


class Consumer:
    """One static member of a service's group, on a known set of logs."""

    def __init__(self, settings: Settings, group: str, topics: Sequence[str]) -> None:
        self._topics = list(topics)
        self._assigned = _Assigned()
        with _trouble():
            self._consumer = KafkaConsumer(
                **client_options(settings),
                group_id=group,
                group_instance_id=settings.slot,
                partition_assignment_strategy=[RangePartitionAssignor],
                session_timeout_ms=6_000,
                heartbeat_interval_ms=2_000,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=200,
                fetch_max_wait_ms=200,
                request_timeout_ms=10_000,
            )
            self._consumer.subscribe(self._topics, listener=self._assigned)

    def poll(self, timeout_ms: int) -> dict[Place, list[Message]]:
        """Return what came, by partition, in order."""
        with _trouble():
            polled = self._consumer.poll(timeout_ms)
        return {
            (place.topic, place.partition): [_message(record) for record in records]
            for place, records in polled.items()
        }

    def assigned_anew(self) -> set[Place]:
        """Return the partitions that were assigned since the last call.

        Those that came begin at their mark; those that stayed go on from where they were polled to.
        """
        return {(place.topic, place.partition) for place in self._assigned.take_anew()}

    def commit(self, places: Mapping[Place, Message]) -> None:
        """Commit each partition as read up to and with this message."""
        offsets = {
            TopicPartition(*place): OffsetAndMetadata(last.offset + 1, str(last.at_ms), -1)
            for place, last in places.items()
        }
        if offsets:
            with _trouble():
                self._consumer.commit(offsets, timeout_ms=3_000)

    def assignment(self) -> set[Place]:
        """Return the partitions that are this member's now."""
        with _trouble():
            return {(place.topic, place.partition) for place in self._consumer.assignment()}

    def missed(self) -> list[Missed]:
        """Return what retention took from newly assigned partitions since the last look."""
        with _trouble():
            new = sorted(self._assigned.new & self._consumer.assignment())
            if not new:
                return []
            beginnings = self._consumer.beginning_offsets(new, timeout_ms=2_000)
            committed = {
                place: self._consumer.committed(place, metadata=True, timeout_ms=2_000)
                for place in new
            }
            # Where nothing was committed yet, it says from now on that nothing was heard: without
            # that, what is deleted before the first commit would be skipped in silence.
            begun = {
                place: OffsetAndMetadata(beginnings[place], "", -1)
                for place in new
                if committed[place] is None
            }
            if begun:
                self._consumer.commit(begun, timeout_ms=3_000)
        self._assigned.new -= set(new)
        found = []
        for place in new:
            mark = committed[place]
            if mark is not None and mark.offset < beginnings[place]:
                found.append(
                    Missed(
                        topic=place.topic,
                        partition=place.partition,
                        count=beginnings[place] - mark.offset,
                        last_heard_ms=int(mark.metadata) if mark.metadata else None,
                    )
                )
        return found

    def unread(self) -> int:
        """Return how many messages of this member's partitions are not fetched yet."""
        with _trouble():
            places = list(self._consumer.assignment())
            highs = {place: self._consumer.highwater(place) for place in places}
            return sum(
                max(0, high - (self._consumer.position(place, timeout_ms=1_000) or 0))
                for place, high in highs.items()
                if high is not None
            )

    def wait_with(self, place: Place, offset: int) -> None:
        """Stop hearing one partition; it goes on from ``offset`` after :meth:`go_on_with`.

        A partition that has moved to another member is let go.
        """
        with _trouble():
            if TopicPartition(*place) in self._consumer.assignment():
                self._consumer.pause(TopicPartition(*place))
                self._consumer.seek(TopicPartition(*place), offset)

    def go_on_with(self, place: Place) -> None:
        """Hear a partition again."""
        with _trouble():
            if TopicPartition(*place) in self._consumer.assignment():
                self._consumer.resume(TopicPartition(*place))

    def paused(self) -> set[Place]:
        """Return the partitions that wait."""
        with _trouble():
            return {(place.topic, place.partition) for place in self._consumer.paused()}

    def next_offset(self, place: Place) -> int:
        """Return the offset that the next poll of a partition begins at."""
        with _trouble():
            return int(self._consumer.position(TopicPartition(*place), timeout_ms=2_000) or 0)

    def close(self) -> None:
        """Close without committing; a static member keeps its place for its next start."""
        with _trouble():
            self._consumer.close(autocommit=False, timeout_ms=1_000)


def _message(record: Any) -> Message:
    return Message(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        at_ms=record.timestamp,
        key=record.key,
        headers={
            name: (value or b"").decode("utf-8", "replace") for name, value in record.headers or []
        },
        body=record.value or b"",
    )


def read_all(settings: Settings, topics: Sequence[str], timeout_s: float) -> Iterator[Message]:
    """Yield every message that the topics hold now, partition by partition, without a group."""
    with _trouble():
        consumer = KafkaConsumer(
            **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
        )
    try:
        for topic in topics:
            with _trouble():
                places = [
                    TopicPartition(topic, number)
                    for number in sorted(consumer.partitions_for_topic(topic) or ())
                ]
                ends = consumer.end_offsets(places)
                consumer.assign(places)
                consumer.seek_to_beginning(*places)
            yield from _until(consumer, ends, timeout_s)
    finally:
        consumer.close(autocommit=False, timeout_ms=3_000)


def _until(
    consumer: Any, ends: Mapping[TopicPartition, int], timeout_s: float
) -> Iterator[Message]:
    deadline = clock.monotonic() + timeout_s
    open_places = {place for place, end in ends.items() if consumer.position(place) < end}
    while open_places:
        if clock.monotonic() > deadline:
            raise BrokerTrouble(f"not read within {timeout_s:.0f} s: {sorted(open_places)[:3]}")
        with _trouble():
            polled = consumer.poll(500)
        for place, records in polled.items():
            yield from (_message(r) for r in records if r.offset < ends[place])
        open_places = {place for place in open_places if consumer.position(place) < ends[place]}
