"""The few places that every durable effect passes; what watches them may let a part crash there."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from pymongo import MongoClient, monitoring
from pymongo.errors import AutoReconnect

from shared import kafka
from tests.faults.crash_points import effects
from tests.faults.crash_points.effects import Effect
from tests.faults.crash_points.lives import Crash, Life, current

WRITES = frozenset(
    {"insert", "update", "delete", "findAndModify", "create", "createIndexes", "drop"}
)
SHARED_BY_ALL_WEBS = "poller"


class Witness(Protocol):
    """Who is told of every durable effect."""

    def before(self, life: Life, about: Sequence[Effect]) -> None:
        """Called just before it; may raise :class:`Crash` by ``life.crash()``."""

    def after(self, life: Life, about: Sequence[Effect]) -> None:
        """Called when it is done, before the code goes on."""


class _Commands(monitoring.CommandListener):
    """What one client asks of the database."""

    def __init__(self, life: Life, witness: Witness) -> None:
        self._life = life
        self._witness = witness
        self._touched: dict[bytes, list[tuple[str, str]]] = {}
        self._asked: dict[int, list[Effect]] = {}

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self._life.dead and threading.current_thread().name == SHARED_BY_ALL_WEBS:
            raise AutoReconnect("the part is gone")
        self._life.check()
        found = self._effects(event.command_name, event.command)
        if found:
            self._witness.before(self._life, found)
            self._asked[event.request_id] = found

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        found = self._asked.pop(event.request_id, None)
        if found and _changed(event.command_name, event.reply):
            self._witness.after(self._life, found)
        # Told of it or not, a part that crashed meanwhile does not hear the answer.
        if threading.current_thread().name != SHARED_BY_ALL_WEBS:
            self._life.check()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        self._asked.pop(event.request_id, None)

    def _effects(self, command: str, document: Mapping[str, Any]) -> list[Effect]:
        if command == "commitTransaction":
            touched = self._touched.pop(document["lsid"]["id"], [])
            return [self._effect(kind, what) for kind, what in effects.of_commit(touched)]
        if command == "killSessions":
            return [self._effect("kill", "sessions")]
        if command not in WRITES:
            return []
        if document.get("autocommit") is False:
            if document.get("startTransaction"):
                self._touched.pop(document["lsid"]["id"], None)
            touched = self._touched.setdefault(document["lsid"]["id"], [])
            touched += effects.touched_by(command, document)
            return []
        return [self._effect(kind, what) for kind, what in effects.of_write(command, document)]

    def _effect(self, kind: str, what: str) -> Effect:
        return Effect(self._life.service, self._life.part, kind, what, effects.site())


def _changed(command: str, reply: Mapping[str, Any]) -> bool:
    """Tell whether a write found anything to write."""
    return command not in ("update", "delete", "insert") or reply.get("n", 1) > 0


@contextmanager
def tapped(witness: Witness) -> Iterator[None]:
    """Let a witness be told of all durable effects of all lives that begin meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        _inherit_lives(patch)
        _tap_database(patch, witness)
        _tap_broker(patch, witness)
        yield


def _inherit_lives(patch: pytest.MonkeyPatch) -> None:
    start, hook = threading.Thread.start, threading.excepthook

    def inherit(thread: Any) -> None:
        thread.life = current()
        start(thread)

    def ended(what: threading.ExceptHookArgs) -> None:
        life = getattr(what.thread, "life", None)
        if not (life is not None and life.dead) and what.exc_type is not Crash:
            hook(what)

    patch.setattr(threading.Thread, "start", inherit)
    patch.setattr(threading, "excepthook", ended)


def _tap_database(patch: pytest.MonkeyPatch, witness: Witness) -> None:
    make = MongoClient.__init__

    def made(client: Any, *args: Any, **options: Any) -> None:
        life = current()
        if life is not None:
            life.check()
            options["event_listeners"] = [_Commands(life, witness)]
        make(client, *args, **options)
        if life is not None:
            life.owns(client)

    patch.setattr(MongoClient, "__init__", made)


def _tap_broker(patch: pytest.MonkeyPatch, witness: Witness) -> None:
    for module, kind in (
        (kafka.producer, KafkaProducer),
        (kafka.consumer, KafkaConsumer),
        (kafka.admin, KafkaAdminClient),
    ):
        patch.setattr(module, kind.__name__, _owned(kind))

    def tap(owner: type, method: str, kind: str, whats: Callable[..., list[str]]) -> None:
        asked = getattr(owner, method)

        @functools.wraps(asked)
        def ask(self: Any, *args: Any, **options: Any) -> Any:
            life = current()
            if life is None:
                return asked(self, *args, **options)
            life.check()
            at = effects.site()
            found = [
                Effect(life.service, life.part, kind, what, at)
                for what in sorted(set(whats(*args, **options)))
            ]
            if found:
                witness.before(life, found)
            answer = asked(self, *args, **options)
            if found:
                witness.after(life, found)
            life.check()
            return answer

        patch.setattr(owner, method, ask)

    tap(kafka.Producer, "send", "send", lambda sent: [event.type for event in sent])
    tap(kafka.Consumer, "commit", "offsets", lambda places: [topic for topic, _ in places])
    _tap_poll(patch)
    tap(
        KafkaAdminClient,
        "create_topics",
        "topic",
        lambda new, **_: ["create" for _ in new],
    )
    tap(KafkaAdminClient, "create_partitions", "topic", lambda _counts, **_: ["widen"])
    tap(KafkaAdminClient, "remove_group_members", "member", lambda *_, **__: ["remove"])


def _tap_poll(patch: pytest.MonkeyPatch) -> None:
    """Let the dead hear nothing; who has partitions of every topic has taken up its work."""
    poll = kafka.Consumer.poll

    def polled(consumer: kafka.Consumer, timeout_ms: int) -> Any:
        life = current()
        if life is None:
            return poll(consumer, timeout_ms)
        life.check()
        messages = poll(consumer, timeout_ms)
        life.check()
        if not life.ready:
            life.ready = {topic for topic, _ in consumer.assignment()} >= set(consumer._topics)
        return messages

    patch.setattr(kafka.Consumer, "poll", polled)


def _owned(kind: Callable[..., Any]) -> Callable[..., Any]:
    """Return what makes a client of this kind, for the living alone."""

    def make(*args: Any, **options: Any) -> Any:
        life = current()
        if life is not None:
            life.check()
        client = kind(*args, **options)
        if life is not None:
            life.owns(client)
        return client

    return make
