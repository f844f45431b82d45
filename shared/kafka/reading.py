"""All that topics hold now, read without a group: for audits and proofs."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from shared import clock
from shared.kafka.clients import BrokerTrouble, client_options, trouble
from shared.kafka.messages import Message, message_of
from shared.settings import Settings

POSITION_MS = 2_000

log = logging.getLogger(__name__)


def read_all(settings: Settings, topics: Sequence[str], timeout_s: float) -> Iterator[Message]:
    """Yield every message that the topics hold now, partition by partition, without a group."""
    with trouble():
        consumer = KafkaConsumer(
            **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest"
        )
    try:
        for topic in topics:
            with trouble():
                places = [
                    TopicPartition(topic, number)
                    for number in sorted(consumer.partitions_for_topic(topic) or ())
                ]
                ends = consumer.end_offsets(places)
                consumer.assign(places)
                consumer.seek_to_beginning(*places)
            yield from _until(consumer, ends, timeout_s)
    finally:
        # Nothing is lost by it, and what went wrong before is what the caller has to know.
        try:
            with trouble():
                consumer.close(autocommit=False, timeout_ms=3_000)
        except BrokerTrouble as error:
            log.info("closed in trouble", extra={"why": str(error)})


def _until(
    consumer: Any, ends: Mapping[TopicPartition, int], timeout_s: float
) -> Iterator[Message]:
    deadline = clock.monotonic() + timeout_s

    def not_read() -> set[TopicPartition]:
        with trouble():
            return {
                place
                for place, end in ends.items()
                if (consumer.position(place, timeout_ms=POSITION_MS) or 0) < end
            }

    while open_places := not_read():
        if clock.monotonic() > deadline:
            raise BrokerTrouble(f"not read within {timeout_s:.0f} s: {sorted(open_places)[:3]}")
        with trouble():
            polled = consumer.poll(500)
        for place, records in polled.items():
            yield from (message_of(r) for r in records if r.offset < ends[place])
