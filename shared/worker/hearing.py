"""The hearing loop: poll → handle → keep dead letters → commit, one consumer group member."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from shared import clock, events, metrics
from shared.errors import Busy
from shared.kafka import BrokerTrouble, Consumer, Message, Missed, Place
from shared.mongo import DatabaseTrouble, ServiceDatabase, raise_alarm
from shared.worker import dead_letters
from shared.worker.dead_letters import DeadLetter
from shared.worker.handling import Hearer, Later
from shared.worker.heard import Heard, Unheard, read

POLL_MS = 500
GATHER_MIN_S, GATHER_MAX_S = 0.03, 0.1
AGAIN_S = 2.0
LOOK_AT_PAUSES_EVERY_S = 2.0
UNASSIGNED_MAX_S = 15.0

log = logging.getLogger(__name__)


class NothingAssigned(Exception):
    """The broker answers, but gives this member no partition of some topic: join anew."""


class Hearing:
    """One run on one set of logs; the worker makes another after the logs changed."""

    def __init__(
        self,
        *,
        database: ServiceDatabase,
        hearer: Hearer,
        consumer: Consumer,
        log_ids: Mapping[str, str],
        stop: threading.Event,
        handled: threading.Event,
    ) -> None:
        self._database = database
        self._hearer = hearer
        self._consumer = consumer
        self._log_ids = log_ids
        self._stop = stop
        self._handled = handled
        self._busy = False
        self._took_s = 0.0
        self._polled: dict[Place, list[Message]] = {}
        self._last: dict[Place, Message] = {}
        self._done: dict[Place, Message] = {}
        self._waiting: dict[Place, float] = {}
        self._missed: list[Missed] = []
        self._looked_at_pauses = float("-inf")
        self._complete_at = clock.monotonic()

    def run(self) -> None:
        """Hear until told to stop. Raises what ends the process; waits out what passes."""
        while not self._stop.is_set():
            try:
                self._take(self._consumer.poll(0 if self._polled else POLL_MS))
                self._gather()
                self._work_off()
                self._look_at_assignment()
                self._look_at_pauses()
            except (BrokerTrouble, DatabaseTrouble) as error:
                log.warning("trouble", extra={"why": f"{type(error).__name__}: {error}"})
                self._stop.wait(0.5)

    def _take(self, polled: Mapping[Place, list[Message]]) -> None:
        """Keep what came until it is handled: the consumer itself will not give it again."""
        for place in self._consumer.assigned_anew():
            # Another may have heard on meanwhile: what is missing to us is no gap. What was polled
            # is kept, since a partition that stayed here goes on behind it and not at its mark.
            self._last.pop(place, None)
        for place, messages in polled.items():
            waiting = self._polled.get(place, [])
            if waiting and messages[0].offset <= waiting[-1].offset:
                # The partition went and came back: it begins again at what was committed.
                waiting = []
            self._look_for_a_gap(place, messages)
            self._polled[place] = [*waiting, *messages]

    def _look_for_a_gap(self, place: Place, messages: Sequence[Message]) -> None:
        """Notice what retention took of a partition that waited here for longer than it keeps."""
        last = self._last.get(place)
        if last is not None and messages[0].offset > last.offset + 1:
            self._missed.append(
                Missed(
                    topic=place[0],
                    partition=place[1],
                    count=messages[0].offset - last.offset - 1,
                    last_heard_ms=last.at_ms,
                )
            )
        self._last[place] = messages[-1]

    def _gather(self) -> None:
        """While much comes, wait a moment for more: one synced commit then serves many events.

        The longer the last took, the longer: others are busy too. What comes alone after a rest is
        handled at once.
        """
        sizes = [len(messages) for messages in self._polled.values()]
        if self._busy and sizes and max(sizes) < self._hearer.batch_max:
            self._stop.wait(min(max(GATHER_MIN_S, self._took_s), GATHER_MAX_S))
            self._take(self._consumer.poll(0))
        self._busy = sum(map(len, self._polled.values())) > 1

    def _work_off(self) -> None:
        """Handle all that came and commit it; what trouble interrupts is gone on with later."""
        began = clock.monotonic()
        size = self._hearer.batch_max
        for place in list(self._polled):
            while messages := self._polled[place]:
                chunk = messages[:size]
                if not self._chunk(place, chunk):
                    break
                self._handled.set()
                self._done[place] = chunk[-1]
                self._polled[place] = self._polled[place][size:]
            else:
                del self._polled[place]
            if self._stop.is_set():
                break
        if self._done:
            # Before the commit, which moves what says where this group had been.
            self._look_at_what_was_missed()
            # While the group is rearranged it polls on at once, to join again.
            if self._consumer.commit(self._done):
                self._done = {}
        if self._busy:
            self._took_s = clock.monotonic() - began

    def _chunk(self, place: Place, chunk: Sequence[Message]) -> bool:
        """Handle some messages, again and again through trouble; False where they have to wait."""
        read_messages = [read(message, self._log_ids[place[0]]) for message in chunk]
        wanted = [
            heard
            for heard in read_messages
            if isinstance(heard, Heard) and self._hearer.wants(events.EVENTS[heard.type])
        ]
        letters = [
            DeadLetter(id=bad.id, reason=bad.reason, message=bad.message)
            for bad in read_messages
            if isinstance(bad, Unheard)
        ]
        pause_s = 0.1
        while True:
            try:
                with metrics.HANDLING_S.labels(self._database.name).time():
                    found = self._hearer.handle(wanted, clock.now()) if wanted else []
                if dead_letters.keep(self._database, [*letters, *found]):
                    self._pause_if_too_many(place, chunk[-1])
                if wanted:
                    age = clock.to_ms(clock.real_now()) - wanted[-1].message.at_ms
                    metrics.EVENT_LAG_S.labels(self._database.name).set(max(0, age) / 1000)
                return True
            except Later as why:
                log.warning("partition waits", extra={"place": list(place), "why": str(why)})
                first = chunk[0]
                self._wait_behind(place, replace(first, offset=first.offset - 1))
                self._waiting[place] = clock.monotonic() + AGAIN_S
                return False
            except (DatabaseTrouble, Busy) as error:
                log.warning("trouble while hearing", extra={"why": f"{type(error).__name__}"})
                if self._stop.wait(pause_s):
                    return False
                pause_s = min(pause_s * 2, 2.0)

    def _wait_behind(self, place: Place, done: Message) -> None:
        """Stop hearing a partition; it goes on behind ``done``, and what came of it is let go."""
        self._consumer.wait_with(place, done.offset + 1)
        self._polled[place] = []
        # What retention takes of the rest meanwhile is a gap, though it had been polled.
        self._last[place] = done

    def _look_at_what_was_missed(self) -> None:
        """See what retention took; what was found is kept until its alarm is written."""
        self._missed += self._consumer.missed()
        while self._missed:
            missed = self._missed[0]
            last = missed.last_heard_ms
            heard = "nothing" if last is None else clock.from_ms(last).isoformat("T", "seconds")
            raise_alarm(
                self._database,
                "messages-missed",
                f"{missed.topic}:{missed.partition}",
                f"{missed.count} messages gone unread, heard last: {heard}; rewind their teller",
            )
            del self._missed[0]

    def _look_at_assignment(self) -> None:
        """See what retention took, and that every heard topic has a partition here."""
        self._look_at_what_was_missed()
        assigned = self._consumer.assignment()
        for gone in (set(self._waiting) | set(self._polled) | set(self._last)) - assigned:
            # Whoever has the partition now begins at what was committed.
            self._waiting.pop(gone, None)
            self._polled.pop(gone, None)
            self._last.pop(gone, None)
        if {topic for topic, _ in assigned} >= set(self._log_ids):
            self._complete_at = clock.monotonic()
        elif clock.monotonic() - self._complete_at > UNASSIGNED_MAX_S:
            raise NothingAssigned(f"only {sorted(assigned)} of {sorted(self._log_ids)}")
        metrics.EVENTS_UNREAD.labels(self._database.name).set(self._consumer.unread())

    def _look_at_pauses(self) -> None:
        """Go on with partitions whose wait is over or whose pause an operator has ended."""
        for place, until in list(self._waiting.items()):
            if clock.monotonic() >= until:
                del self._waiting[place]
                self._consumer.go_on_with(place)
        if clock.monotonic() - self._looked_at_pauses < LOOK_AT_PAUSES_EVERY_S:
            return
        self._looked_at_pauses = clock.monotonic()
        rows = self._database.db.pauses.find({"resumed_at": None}, limit=1000)
        wanted = {(row["topic"], row["partition"]) for row in rows} & self._consumer.assignment()
        paused = self._consumer.paused()
        for place in paused - wanted - set(self._waiting):
            self._consumer.go_on_with(place)
        for place in wanted - paused:
            self._consumer.wait_with(place, self._consumer.next_offset(place))
        metrics.PARTITIONS_PAUSED.labels(self._database.name).set(len(wanted))

    def _pause_if_too_many(self, place: Place, done: Message) -> None:
        """Pause a partition that brings more new dead letters than an hour may have."""
        since = clock.real_now() - timedelta(hours=1)
        pauses, row_id = self._database.db.pauses, f"{place[0]}:{place[1]}"
        row = pauses.find_one({"_id": row_id}) or {}
        if row.get("resumed_at"):
            since = max(since, row["resumed_at"])
        count = dead_letters.new_since(self._database, place, since)
        if count <= self._database.settings.dead_letters_an_hour:
            return
        paused = {
            "topic": place[0],
            "partition": place[1],
            "paused_at": clock.real_now(),
            "resumed_at": None,
        }
        pauses.update_one({"_id": row_id}, {"$set": paused}, upsert=True)
        raise_alarm(self._database, "partition-paused", row_id)
        self._wait_behind(place, done)
