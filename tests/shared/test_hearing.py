"""The hearing loop on a consumer that fails between any two calls: nothing is let go."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import pytest
from pymongo.errors import AutoReconnect

from shared import events
from shared.kafka import BrokerTrouble, Message, Missed
from shared.mongo import ServiceDatabase
from shared.worker import TransactionHearer
from shared.worker.dead_letters import DeadLetter
from shared.worker.handling import Later
from shared.worker.heard import Heard
from shared.worker.hearing import Hearing
from tests.shared.small_service import SUBSCRIPTIONS, effect, placed
from tests.waiting import wait_until

pytestmark = pytest.mark.servers

AFTER_TROUBLE_S = 0.5


@pytest.fixture
def hearer(connect: Callable[..., ServiceDatabase]) -> ServiceDatabase:
    return connect("ledger")


class Waits(threading.Event):
    """An event that notes for how long it was waited for, at most."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_s.append(math.inf if timeout is None else timeout)
        return super().wait(timeout)


@contextmanager
def hearing(
    database: ServiceDatabase,
    consumer: TroubledConsumer,
    *,
    by: TransactionHearer | None = None,
    busy: bool = False,
) -> Iterator[Waits]:
    """Let a loop hear meanwhile; ``busy``: it polls a second time before it handles."""
    stop = Waits()
    hearing = Hearing(
        database=database,
        hearer=by or TransactionHearer(database, SUBSCRIPTIONS),
        consumer=consumer,  # type: ignore[arg-type]
        log_ids={"store.events": "log"},
        stop=stop,
        handled=threading.Event(),
    )
    hearing._busy = busy
    thread = threading.Thread(target=hearing.run, daemon=True)
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(10)


class TroubledConsumer:
    """A consumer that fails once between two polls, once at the commit, once after it."""

    def __init__(self) -> None:
        self.batches = [message("o1", 0), message("o2", 1)]
        self.committed: list[int] = []
        self.failing = [("poll", 1), ("commit", 0), ("assignment", 0)]
        self.came_back = False
        self.rearranged = self.offered = 0
        self.sought: list[int] = []

    def _trouble(self, call: str) -> None:
        if self.failing and self.failing[0] == (call, len(self.batches)):
            self.failing.pop(0)
            raise BrokerTrouble(call)

    def poll(self, _timeout_ms: int) -> dict[tuple[str, int], list[Message]]:
        self._trouble("poll")
        return {("store.events", 0): [self.batches.pop(0)]} if self.batches else {}

    def assigned_anew(self) -> set[tuple[str, int]]:
        return {("store.events", 0)} if self.came_back else set()

    def commit(self, places: dict[tuple[str, int], Message]) -> bool:
        self._trouble("commit")
        self.offered += 1
        if self.rearranged:
            self.rearranged -= 1
            return False
        self.committed += [last.offset for last in places.values()]
        return True

    def assignment(self) -> set[tuple[str, int]]:
        self._trouble("assignment")
        return {("store.events", 0)}

    def missed(self) -> list[object]:
        return []

    def unread(self) -> int:
        return 0

    def paused(self) -> set[tuple[str, int]]:
        return set()

    def wait_with(self, _place: tuple[str, int], offset: int) -> None:
        self.sought.append(offset)

    def go_on_with(self, _place: tuple[str, int]) -> None:
        """It goes on with its next batch."""


def message(order_id: str, offset: int) -> Message:
    return Message(
        topic="store.events",
        partition=0,
        offset=offset,
        at_ms=0,
        key=b"430211",
        headers={"ce_id": f"{order_id}:1", "ce_type": "OrderPlaced", "ce_source": "store"},
        body=json.dumps(events.encode(placed(order_id))).encode(),
    )


def test_what_was_polled_is_handled_though_the_broker_fails_meanwhile(
    hearer: ServiceDatabase,
) -> None:
    consumer = TroubledConsumer()
    with hearing(hearer, consumer, busy=True):
        wait_until(lambda: not consumer.failing and consumer.committed)

    assert (effect(hearer, "o1"), effect(hearer, "o2")) == (1, 1)
    assert max(consumer.committed) == 1


class ForgetfulBroker(TroubledConsumer):
    """Retention took what this group had not heard; what is left comes with the assignment."""

    def __init__(self) -> None:
        super().__init__()
        self.batches, self.failing, self.looked = [message("o9", 9)], [], False

    def missed(self) -> list[object]:
        self.looked, looked = True, self.looked
        if looked or self.committed:
            return []
        return [Missed(topic="store.events", partition=0, count=9, last_heard_ms=None)]


def test_what_was_missed_is_an_alarm_though_more_comes_and_the_database_fails(
    hearer: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer, alarms = ForgetfulBroker(), []

    def raise_alarm(_database: ServiceDatabase, kind: str, *_words: str) -> None:
        alarms.append(kind)
        if len(alarms) == 1:
            raise AutoReconnect("away")

    monkeypatch.setattr("shared.worker.hearing.raise_alarm", raise_alarm)
    with hearing(hearer, consumer):
        wait_until(lambda: consumer.committed)

    assert alarms == ["messages-missed"] * 2


def test_what_another_member_heard_meanwhile_was_not_missed(hearer: ServiceDatabase) -> None:
    consumer = TroubledConsumer()
    consumer.batches = [message("o1", 0), message("o2", 7)]
    consumer.failing = []
    # It went to another member, which heard six, and came back with the second batch.
    consumer.came_back = True
    with hearing(hearer, consumer):
        wait_until(lambda: consumer.committed[-1:] == [7])

    assert effect(hearer, "o2") == 1
    assert hearer.db.alarms.find_one({}) is None


def test_while_the_group_is_rearranged_it_polls_on_and_offers_what_it_did(
    hearer: ServiceDatabase,
) -> None:
    consumer = TroubledConsumer()
    consumer.failing = []
    consumer.rearranged = 4
    with hearing(hearer, consumer) as stop:
        wait_until(lambda: consumer.committed[-1:] == [1])

    assert consumer.offered > 4
    # While it waited as after trouble, the answer to its joining would be let lie.
    assert max(stop.waited_s, default=0.0) < AFTER_TROUBLE_S


def test_a_gap_in_a_partition_that_waited_is_an_alarm(hearer: ServiceDatabase) -> None:
    consumer = TroubledConsumer()
    consumer.batches = [message("o1", 0), message("o2", 7)]
    consumer.failing = []
    with hearing(hearer, consumer):
        wait_until(lambda: hearer.db.alarms.find_one({"kind": "messages-missed"}))

    assert effect(hearer, "o2") == 1
    alarm = hearer.db.alarms.find_one({"kind": "messages-missed"})
    assert alarm is not None
    assert alarm["detail"].startswith("6 messages gone unread")


class AtTheSecondTry(TransactionHearer):
    """A hearer whose first try ends otherwise."""

    def __init__(self, database: ServiceDatabase, first: Callable[[], Exception]) -> None:
        super().__init__(database, SUBSCRIPTIONS)
        self._first, self._tries = first, 0

    def handle(self, messages: Sequence[Heard], now: datetime) -> Sequence[DeadLetter]:
        self._tries += 1
        if self._tries == 1:
            raise self._first()
        return super().handle(messages, now)


def test_what_retention_takes_of_what_was_polled_and_waits_is_an_alarm(
    hearer: ServiceDatabase,
) -> None:
    consumer = TroubledConsumer()
    consumer.failing = []
    consumer.batches = [message("o4", 4)]

    def not_yet() -> Exception:
        consumer.batches = [message("o9", 9)]  # all that retention leaves meanwhile
        return Later("not yet")

    with hearing(hearer, consumer, by=AtTheSecondTry(hearer, not_yet)):
        wait_until(lambda: consumer.committed[-1:] == [9])
        wait_until(lambda: hearer.db.alarms.find_one({"kind": "messages-missed"}))

    assert consumer.sought == [4]
    alarm = hearer.db.alarms.find_one({"kind": "messages-missed"})
    assert alarm is not None
    # From the one that was polled and not handled on: 4, 5, 6, 7 and 8.
    assert alarm["detail"].startswith("5 messages gone unread")


def test_what_was_polled_of_a_partition_that_stays_is_not_let_go(hearer: ServiceDatabase) -> None:
    consumer = TroubledConsumer()
    consumer.failing = []

    def interrupted() -> Exception:
        consumer.came_back = True  # somebody joined the group
        return BrokerTrouble("between poll and commit")

    with hearing(hearer, consumer, by=AtTheSecondTry(hearer, interrupted)):
        wait_until(lambda: consumer.committed[-1:] == [1])

    assert (effect(hearer, "o1"), effect(hearer, "o2")) == (1, 1)
