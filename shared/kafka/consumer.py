"""One that hears: a static member of its service's group."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from kafka.structs import OffsetAndMetadata

from shared import clock
from shared.kafka.clients import client_options, trouble
from shared.kafka.messages import Message, Missed, Place, message_of
from shared.settings import Settings

REARRANGED = (
    CommitFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
"""The partitions are being given out anew: the next polls take part in that."""

JOINING_S = 2.0
JOINING_POLL_MS = 500
"""The client lets an answer to its joining lie that comes between two polls, and joins again, for
which all others have to join again too: so there is next to nothing between them meanwhile."""

log = logging.getLogger(__name__)


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]
    """Remembers which partitions came, until the hearer has looked at where they begin."""

    def __init__(self) -> None:
        self.joining = True
        self.new: set[TopicPartition] = set()
        self._anew: set[TopicPartition] = set()
        self._guard = threading.Lock()

    def on_partitions_revoked(self, revoked: Any) -> None:
        self.joining = True
        self.new -= set(revoked)

    def on_partitions_assigned(self, assigned: Any) -> None:
        self.joining = False
        self.new |= set(assigned)
        with self._guard:
            self._anew |= set(assigned)

    def take_anew(self) -> set[TopicPartition]:
        """Return what was assigned since this was asked last."""
        with self._guard:
            anew, self._anew = self._anew, set()
            return anew


class Consumer:
    """One static member of a service's group, on a known set of logs."""

    def __init__(self, settings: Settings, group: str, topics: Sequence[str]) -> None:
        self._topics = list(topics)
        self._assigned = _Assigned()
        self._marks: dict[TopicPartition, int] = {}
        with trouble():
            self._consumer = KafkaConsumer(
                **client_options(settings),
                group_id=group,
                group_instance_id=settings.slot,
                partition_assignment_strategy=[RangePartitionAssignor],
                session_timeout_ms=6_000,
                heartbeat_interval_ms=500,  # within this all hear that they have to join anew
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                max_poll_records=200,
                fetch_max_wait_ms=200,
                request_timeout_ms=10_000,
            )
            self._consumer.subscribe(self._topics, listener=self._assigned)

    def poll(self, timeout_ms: int) -> dict[Place, list[Message]]:
        """Return what came, by partition, in order; while it joins its group, for longer."""
        deadline = clock.monotonic() + JOINING_S
        with trouble():
            while True:
                joining = self._assigned.joining
                polled = self._consumer.poll(max(timeout_ms, JOINING_POLL_MS if joining else 0))
                if polled or not self._assigned.joining or clock.monotonic() > deadline:
                    break
        return {
            (place.topic, place.partition): [message_of(record) for record in records]
            for place, records in polled.items()
        }

    def assigned_anew(self) -> set[Place]:
        """Return the partitions that were assigned since the last call.

        Those that came begin at their mark; those that stayed go on from where they were polled to.
        """
        return {(place.topic, place.partition) for place in self._assigned.take_anew()}

    def commit(self, places: Mapping[Place, Message]) -> bool:
        """Commit each partition as read up to and with this message.

        False while the group is being rearranged: poll on, and offer it again. Marks move forward
        only, and only of partitions that are this member's; :meth:`missed` looks where they are.
        """
        with trouble():
            offered = {TopicPartition(*place): last for place, last in places.items()}
            mine = {place: offered[place] for place in offered.keys() & self._assignment()}
            if self._assigned.new & mine.keys():
                return False
            offsets = {
                place: OffsetAndMetadata(last.offset + 1, str(last.at_ms), -1)
                for place, last in mine.items()
                # Whoever had it meanwhile may have heard on from what this member could not commit.
                if last.offset + 1 > self._marks.get(place, 0)
            }
            try:
                if offsets:
                    self._consumer.commit(offsets, timeout_ms=3_000)
            except REARRANGED as error:
                log.info("not committed", extra={"why": type(error).__name__})
                return False
        self._marks.update({place: mark.offset for place, mark in offsets.items()})
        return True

    def assignment(self) -> set[Place]:
        """Return the partitions that are this member's now."""
        with trouble():
            return {(place.topic, place.partition) for place in self._assignment()}

    def _assignment(self) -> set[TopicPartition]:
        return set(self._consumer.assignment())

    def missed(self) -> list[Missed]:
        """Return what retention took from newly assigned partitions since the last look."""
        with trouble():
            new = sorted(self._assigned.new & self._assignment())
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
                try:
                    self._consumer.commit(begun, timeout_ms=3_000)
                except REARRANGED as error:
                    log.info("not begun", extra={"why": type(error).__name__})
                    return []
        self._assigned.new -= set(new)
        found = []
        for place in new:
            mark = committed[place]
            self._marks[place] = mark.offset if mark is not None else beginnings[place]
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
        with trouble():
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
        with trouble():
            if TopicPartition(*place) in self._consumer.assignment():
                self._consumer.pause(TopicPartition(*place))
                self._consumer.seek(TopicPartition(*place), offset)

    def go_on_with(self, place: Place) -> None:
        """Hear a partition again."""
        with trouble():
            if TopicPartition(*place) in self._consumer.assignment():
                self._consumer.resume(TopicPartition(*place))

    def paused(self) -> set[Place]:
        """Return the partitions that wait."""
        with trouble():
            return {(place.topic, place.partition) for place in self._consumer.paused()}

    def next_offset(self, place: Place) -> int:
        """Return the offset that the next poll of a partition begins at."""
        with trouble():
            return int(self._consumer.position(TopicPartition(*place), timeout_ms=2_000) or 0)

    def close(self) -> None:
        """Close without committing; a static member keeps its place for its next start."""
        with trouble():
            self._consumer.close(autocommit=False, timeout_ms=1_000)
