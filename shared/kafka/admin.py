"""What is asked of the broker beside sending and hearing."""

from __future__ import annotations

from collections.abc import Sequence

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove, NewTopic
from kafka.errors import TopicAlreadyExistsError

from shared import clock
from shared.kafka.clients import BrokerTrouble, client_options, trouble
from shared.kafka.messages import Place
from shared.kafka.one_log import log_id
from shared.settings import Settings

DESCRIBED_WITHIN_S = 5.0


class OtherPartitionCount(SystemExit):
    """A topic has another number of partitions than the settings say; keys would move."""


class Admin:
    """Topics, their ids and partitions, and what groups have committed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        with trouble():
            self._client = KafkaAdminClient(**client_options(settings), request_timeout_ms=5_000)

    def close(self) -> None:
        """Close the connections."""
        with trouble():
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
                with trouble():
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
        with trouble():
            self._client.create_partitions({topic: partitions})

    def remove_topics(self, topics: Sequence[str]) -> None:
        """Forget topics with all that lies in them, where they are there; wait until they are not.

        Raises :class:`BrokerTrouble` where they are still there after some seconds.
        """
        deadline = clock.monotonic() + DESCRIBED_WITHIN_S
        while there := [topic for topic, id_ in self.topic_ids(topics).items() if id_]:
            if clock.monotonic() > deadline:
                raise BrokerTrouble(f"still there: {', '.join(there)}")
            with trouble():
                self._client.delete_topics(there, timeout_ms=5_000, raise_errors=False)
            clock.sleep(0.1)

    def cluster_id(self) -> str:
        """Return the id of the cluster; another after the broker lost its data."""
        with trouble():
            return str(self._client.describe_cluster()["cluster_id"])

    def topic_ids(self, topics: Sequence[str]) -> dict[str, str | None]:
        """Return each topic's id, None where it is missing."""
        with trouble():
            described = self._client.describe_topics(list(topics))
        found = {row["name"]: row.get("topic_id") for row in described if not row.get("error_code")}
        return {topic: str(found[topic]) if found.get(topic) else None for topic in topics}

    def partition_counts(self, topics: Sequence[str]) -> dict[str, int]:
        """Return how many partitions each topic has; 0 for one not described yet."""
        with trouble():
            described = self._client.describe_topics(list(topics))
        counts = {row["name"]: len(row.get("partitions") or []) for row in described}
        return {topic: counts.get(topic, 0) for topic in topics}

    def log_ids(self, topics: Sequence[str]) -> dict[str, str] | None:
        """Return the log id of every topic, ``<cluster>:<topic id>``; None while one is missing."""
        cluster = self.cluster_id()
        ids = self.topic_ids(topics)
        if not all(ids.values()):
            return None
        return {topic: log_id(cluster, topic_id) for topic, topic_id in ids.items() if topic_id}

    def group_offsets(self, group: str) -> dict[Place, int]:
        """Return what a group has committed."""
        with trouble():
            found = self._client.list_group_offsets({group: None})[group]
        return {(tp.topic, tp.partition): offset.offset for tp, offset in found.items()}

    def remove_member(self, group: str, instance: str) -> None:
        """Make the group forget a static member, so that it joins anew and is assigned anew."""
        with trouble():
            self._client.remove_group_members(group, [MemberToRemove(group_instance_id=instance)])
