"""The logs as the audit sees them: ids, beginnings and ends, and what each group has read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from shared import clock, settings
from shared.kafka import Admin, BrokerTrouble, Message, Place, client_options, group_name, read_all

HEARS: Mapping[str, tuple[str, ...]] = {
    "volunteers": ("activities",),
    "activities": ("ledger", "volunteers"),
    "ledger": ("activities", "store", "volunteers"),
    "store": ("ledger", "volunteers"),
}
"""Who hears whom, as the design says; an architecture test holds the services' tables to it."""
TOLD_BY = ("volunteers", "activities", "ledger", "store")
READ_TIMEOUT_S = 300.0
ANSWERS_WITHIN_S = 15.0

T = TypeVar("T")


@dataclass(frozen=True)
class Unread:
    """Messages of a topic that a group of the present logs has not committed yet."""

    group: str
    topic: str
    count: int


class Logs(Protocol):
    """What an audit asks of the broker."""

    def ids(self) -> Mapping[str, str]:
        """Return the present log's id of every service that tells; empty while one is missing."""

    def unread(self) -> list[Unread]:
        """Return what each service's present group has not read yet."""

    def beginnings(self, service: str) -> Mapping[Place, int]:
        """Return where each partition of a service's topic begins: above 0 it was cut."""

    def size(self, service: str) -> int:
        """Return how many messages a service's topic holds, about."""

    def messages(self, service: str) -> Iterator[Message]:
        """Yield every message of a service's topic, partition by partition, in order."""


def topic_of(service: str) -> str:
    """Return the topic on which a service tells."""
    return f"{service}.events"


class BrokerLogs:
    """The logs of a broker that runs."""

    def __init__(self, kafka_bootstrap: str, *, operator: settings.Settings | None = None) -> None:
        """``operator``: as whom to ask, where the broker wants a user."""
        nobody = settings.Settings(mode="embedded", mongo_uri="", kafka_bootstrap="", jwks_url="")
        self._settings = replace(operator or nobody, kafka_bootstrap=kafka_bootstrap, slot="audit")
        self._admin = Admin(self._settings)
        self._consumer = KafkaConsumer(**client_options(self._settings), enable_auto_commit=False)

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close(autocommit=False)
        self._admin.close()

    def ids(self) -> Mapping[str, str]:
        topics = [topic_of(service) for service in TOLD_BY]
        found = _patiently(lambda: self._admin.log_ids(topics)) or {}
        return {service: found[topic_of(service)] for service in TOLD_BY if found}

    def unread(self) -> list[Unread]:
        ids = self.ids()
        if not ids:
            return []
        ends = {service: self._ends(service) for service in TOLD_BY}
        starts = {service: self.beginnings(service) for service in TOLD_BY}
        found = []
        for hearer, tellers in HEARS.items():
            group = group_name(hearer, {topic_of(teller): ids[teller] for teller in tellers})
            committed = self._committed(group)
            for teller in tellers:
                count = sum(
                    max(0, end - committed.get(place, starts[teller][place]))
                    for place, end in ends[teller].items()
                )
                if count:
                    found.append(Unread(group, topic_of(teller), count))
        return found

    def beginnings(self, service: str) -> Mapping[Place, int]:
        return _patiently(
            lambda: _places(self._consumer.beginning_offsets(self._partitions(service)))
        )

    def size(self, service: str) -> int:
        beginnings = self.beginnings(service)
        return sum(end - beginnings[place] for place, end in self._ends(service).items())

    def messages(self, service: str) -> Iterator[Message]:
        yield from read_all(self._settings, [topic_of(service)], READ_TIMEOUT_S)

    def _committed(self, group: str) -> dict[Place, int]:
        return _patiently(lambda: self._admin.group_offsets(group))

    def _ends(self, service: str) -> dict[Place, int]:
        return _patiently(lambda: _places(self._consumer.end_offsets(self._partitions(service))))

    def _partitions(self, service: str) -> list[Any]:
        topic = topic_of(service)
        numbers = self._consumer.partitions_for_topic(topic) or ()
        return [TopicPartition(topic, number) for number in sorted(numbers)]


@contextmanager
def opened(
    kafka_bootstrap: str, *, operator: settings.Settings | None = None
) -> Iterator[BrokerLogs]:
    """Ask a broker for as long as an audit takes."""
    logs = BrokerLogs(kafka_bootstrap, operator=operator)
    try:
        yield logs
    finally:
        logs.close()


def _patiently(ask: Callable[[], T]) -> T:
    """Return what the broker answers; :class:`BrokerTrouble` where it does not within 15 s.

    One that was never asked makes the topic of the offsets first, and one that was not heard for a
    second stands in no list until it is.
    """
    deadline = clock.monotonic() + ANSWERS_WITHIN_S
    while True:
        try:
            return ask()
        except (BrokerTrouble, KafkaError) as trouble:
            if clock.monotonic() > deadline:
                raise BrokerTrouble(f"{type(trouble).__name__}: {trouble}") from trouble
        clock.sleep(0.2)


def _places(offsets: Mapping[Any, int]) -> dict[Place, int]:
    return {(place.topic, place.partition): offset for place, offset in offsets.items()}
