"""Sending to one log and no other: the topic's id goes with every message, not its name.

A broker that lost everything, or a topic made again, answers to the old name. What is sent by name
between that moment and the one at which the worker looks at the ids again would stand in the new
log before what is told again there. By id the broker itself refuses it, at no cost (ADR 33).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from kafka.errors import UnknownTopicIdError
from kafka.future import Future
from kafka.net.compat import KafkaNetClient
from kafka.protocol.producer import ProduceRequest, ProduceResponse

from shared.kafka.clients import BrokerTrouble

TOPICS_BY_ID = 13
"""The first version of the request that names topics by id (KIP-516); Kafka has it since 4.1."""


class LogGone(BrokerTrouble):
    """The log that was to be sent to is not there; another may have its topic's name."""


def log_id(cluster: str, topic_id: str) -> str:
    """Return the name of a log in marks and groups: ``<cluster>:<topic id>``."""
    return f"{cluster}:{topic_id}"


def client_of(logs: Mapping[str, str]) -> type[KafkaNetClient]:
    """Return the client for a producer that sends to these logs alone (``{topic: log id}``)."""
    ids = {topic: UUID(log.rpartition(":")[2]) for topic, log in logs.items()}
    names = {topic_id: topic for topic, topic_id in ids.items()}

    class OneLogClient(KafkaNetClient):  # type: ignore[misc]  # the library has no types
        def send(self, node_id: Any, request: Any, **options: Any) -> Future:
            if not isinstance(request, ProduceRequest):
                return super().send(node_id, request, **options)
            answered = super().send(node_id, _by_id(request, ids), **options)
            named = Future()
            answered.add_callback(lambda response: _settle(named, response, names))
            answered.add_errback(named.failure)
            return named

    return cast("type[KafkaNetClient]", OneLogClient)


def _by_id(request: Any, ids: Mapping[str, UUID]) -> Any:
    """Return the request with ids in place of names."""
    topics = [
        ProduceRequest.TopicProduceData(
            topic_id=ids[topic.name], partition_data=topic.partition_data
        )
        for topic in request.topic_data
    ]
    return ProduceRequest(
        transactional_id=request.transactional_id,
        acks=request.acks,
        timeout_ms=request.timeout_ms,
        topic_data=topics,
        min_version=TOPICS_BY_ID,
        max_version=TOPICS_BY_ID,
    )


def _settle(named: Future, response: ProduceResponse, names: Mapping[UUID, str]) -> None:
    """Give the sender the answer in its terms, or say that the log is gone: it would try again."""
    for topic in response.responses:
        topic.name = names[topic.topic_id]
        for partition in topic.partition_responses:
            if partition.error_code == UnknownTopicIdError.errno:
                named.failure(LogGone(f"{topic.name} is not {topic.topic_id} any more"))
                return
    named.success(response)
