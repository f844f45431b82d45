"""One that sends and waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from shared.kafka.clients import client_options, trouble
from shared.kafka.messages import Outgoing
from shared.kafka.one_log import client_of
from shared.settings import Settings

SEND_AT_ONCE_MAX = 200
"""The producer has no buffer limit of its own, so never more futures than this are open."""


class Producer:
    """Sends and waits: what it says was sent, the broker has acknowledged."""

    def __init__(self, settings: Settings, logs: Mapping[str, str] | None = None) -> None:
        """``logs``: ``{topic: log id}``, the only ones it may send to; None for whatever is there.

        Raises :class:`BrokerTrouble` where the broker does not answer.
        """
        self._settings = settings
        self._logs = logs
        self._failed = False
        with trouble():
            self._producer = self._new()

    def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
        """Send all and wait; tell of each whether the broker acknowledged it.

        After a failure nothing more is handed over, so that later ones do not come first. Raises
        :class:`BrokerTrouble` where a message could not even be handed over, or its log is gone;
        then nothing is known of any, and all are sent again later (the hearers recognise them).
        """
        if self._failed:
            # After a fatal error the client takes messages and fails each: only a new one sends.
            self.close()
            with trouble():
                self._producer = self._new()
        # Until the last of them is known.
        self._failed = True
        done: list[bool] = []
        for start in range(0, len(outgoing), SEND_AT_ONCE_MAX):
            if not all(done):
                break
            with trouble():
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
        with trouble():
            self._producer.close(timeout=5)

    def _new(self) -> KafkaProducer:
        only = {} if self._logs is None else {"kafka_client": client_of(self._logs)}
        return KafkaProducer(
            **client_options(self._settings),
            **only,
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
