"""Handling events: each has its effect once, in one transaction with the mark that it was heard."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from shared import clock, logs, metrics
from shared.errors import Alarm, Busy, Refusal
from shared.events import Event
from shared.mongo import ServiceDatabase, UnitOfWork, passes, raise_alarm
from shared.worker import dead_letters
from shared.worker.dead_letters import DeadLetter
from shared.worker.heard import Heard

BATCH_SECONDS_MAX = 2.0

Handle = Callable[[UnitOfWork, Any, datetime], None]
Holding = Callable[[ServiceDatabase, Any], str | None]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alone:
    """A handler whose effect writes a contended thing: a transaction of its own, under its lock."""

    handle: Handle
    holding: Holding


def alone(handle: Handle, *, holding: Holding) -> Alone:
    """Mark a handler as one that writes a contended thing; ``holding`` names it for an event."""
    return Alone(handle, holding)


Subscriptions = Mapping[type[Event], Handle | Alone]


class Later(Exception):
    """This partition has to wait (a book is set aside, a clock is wrong); others go on."""


class Hearer(Protocol):
    """What the hearing loop gives its events to."""

    batch_max: int

    def wants(self, kind: type[Event]) -> bool:
        """Tell whether this service heard of subscribing to that event."""

    def handle(self, messages: Sequence[Heard], now: datetime) -> Sequence[DeadLetter]:
        """Handle events of one partition, in order; return those that nobody can handle.

        All others are durably done. Raises :class:`Later` where the partition has to wait, and
        pymongo's errors or :class:`Busy` for trouble: the loop tries the same events again.
        """


class _TooLong(Exception):
    """The batch runs too long for one transaction: its events are done one by one."""


class TransactionHearer:
    """Up to 20 events in one transaction with their inbox rows; one by one where that fails."""

    batch_max = 20

    def __init__(self, database: ServiceDatabase, subscriptions: Subscriptions) -> None:
        self._database = database
        self._subscriptions = subscriptions

    def wants(self, kind: type[Event]) -> bool:
        """Tell whether the SUBSCRIPTIONS table has the event."""
        return kind in self._subscriptions

    def handle(self, messages: Sequence[Heard], now: datetime) -> Sequence[DeadLetter]:
        """Handle in order, in as few transactions as may be; see :class:`Hearer`."""
        letters: list[DeadLetter] = []
        together: list[Heard] = []
        for heard in messages:
            if isinstance(self._subscriptions[type(heard.event)], Alone):
                letters += self._together(together, now)
                together = []
                letters += self._one(heard, now)
            else:
                together.append(heard)
        return letters + self._together(together, now)

    def _together(self, messages: Sequence[Heard], now: datetime) -> list[DeadLetter]:
        if len(messages) > 1:
            try:
                self._transaction(messages, now, BATCH_SECONDS_MAX)
                return []
            except Exception as error:  # whatever it was, each event now shows its own
                if _is_trouble(error) and not isinstance(error, Busy):
                    raise
                log.info("batch done one by one", extra={"why": type(error).__name__})
        return [letter for heard in messages for letter in self._one(heard, now)]

    def _one(self, heard: Heard, now: datetime) -> list[DeadLetter]:
        try:
            self._transaction([heard], now, None)
        except Alarm as alarm:
            # Not marked heard: told again with the same id, it is looked at again.
            raise_alarm(self._database, alarm.kind, alarm.about, alarm.detail)
        except Refusal as refusal:
            return [_letter(heard, f"{refusal.code}: {refusal}")]
        except Exception as error:  # poison must not stop its neighbours; trouble must
            if _is_trouble(error):
                raise
            log.exception("unforeseen in a handler", extra={"event": heard.id})
            return [_letter(heard, f"unforeseen: {type(error).__name__}: {error}")]
        return []

    def _transaction(self, messages: Sequence[Heard], now: datetime, limit: float | None) -> None:
        handler = self._subscriptions[type(messages[0].event)]
        holding = (
            handler.holding(self._database, messages[0].event)
            if isinstance(handler, Alone)
            else None
        )
        self._database.unit_of_work(
            lambda work: self._body(work, messages, now, limit), holding=holding
        )

    def _body(
        self, work: UnitOfWork, messages: Sequence[Heard], now: datetime, limit: float | None
    ) -> None:
        began = clock.monotonic()
        ids = list(dict.fromkeys(heard.id for heard in messages))
        rows = work.db.inbox.find({"_id": {"$in": ids}}, session=work.session)
        already = {row["_id"] for row in rows}
        new = []
        for heard in messages:
            if heard.id in already:
                continue
            already.add(heard.id)
            handler = self._subscriptions[type(heard.event)]
            with logs.with_correlation(heard.correlation):
                work.correlation = logs.correlation()
                (handler.handle if isinstance(handler, Alone) else handler)(work, heard.event, now)
            new.append({"_id": heard.id, "type": heard.type, "heard_at": clock.real_now()})
            if limit is not None and clock.monotonic() - began > limit:
                raise _TooLong
        if new:
            work.db.inbox.insert_many(new, session=work.session)
        dead_letters.settle(self._database, ids, work)
        metrics.EVENTS_HEARD.labels(self._database.name, messages[0].type).inc(len(messages))


def _letter(heard: Heard, reason: str) -> DeadLetter:
    return DeadLetter(id=heard.id, reason=reason, message=heard.message)


def _is_trouble(error: Exception) -> bool:
    return isinstance(error, Busy) or passes(error)
