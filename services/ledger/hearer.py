"""The hearer: what is heard becomes commands of a book, posted in batches of up to 50.

A fact needs no inbox here: its posting is the mark that it was heard. Whoever asks again, and the
loser of a race, is told the standing posting again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

from services.ledger import repository, telling
from services.ledger.handlers import SUBSCRIPTIONS, asked_by
from services.ledger.model import Command, Posting
from services.ledger.model.deciding import NOT_UNDERSTOOD
from services.ledger.model.posting import POSTED_OTHERWISE
from services.ledger.repository.copies import StatusCopy
from services.ledger.writer import BATCH_MAX, BookNotOpen, ClockApart, Outcome, SetAside, Writer
from shared import events, metrics
from shared.events import Event
from shared.kafka import Admin, BrokerTrouble, Producer, close_quietly
from shared.mongo import ServiceDatabase, raise_alarm
from shared.settings import Settings
from shared.worker import DeadLetter, Heard, Later, dead_letters

log = logging.getLogger(__name__)


class Answers:
    """Tells standing postings again, at once and without a mark.

    What the relay has not told yet is left to it, so that first deliveries keep their order.
    """

    def __init__(
        self, database: ServiceDatabase, settings: Settings, correlations: telling.Correlations
    ) -> None:
        self._database = database
        self._settings = settings
        self._correlations = correlations
        self._producer: Producer | None = None
        self._log_id = ""

    def tell_again(self, postings: Sequence[Posting]) -> None:
        """Tell those that were told before; trouble with the broker is left to the next asking."""
        again = [posting for posting in postings if posting.told]
        if not again:
            return
        try:
            producer = self._ready()
            marks = {book: self._mark(book) for book in {posting.book for posting in again}}
            told = [posting for posting in again if posting.n <= marks[posting.book]]
            producer.send([telling.outgoing(posting, self._correlations) for posting in told])
        except BrokerTrouble as error:
            # Whoever still waits asks again, and a new producer always works.
            log.warning("not answered again", extra={"why": str(error)})
            self.close()

    def close(self) -> None:
        """Let the producer go."""
        producer, self._producer = self._producer, None
        if producer is not None:
            close_quietly(producer)

    def _ready(self) -> Producer:
        if self._producer is None:
            topic = events.topic_of(self._database.name)
            admin = Admin(self._settings)
            try:
                found = admin.log_ids([topic])
            finally:
                admin.close()
            if found is None:
                raise BrokerTrouble(f"no topic {topic} yet")
            self._log_id = found[topic]
            self._producer = Producer(self._settings, found)
        return self._producer

    def _mark(self, book: str) -> int:
        row = repository.books.row_of(self._database, book)
        return row.told.n if row is not None and row.told.log == self._log_id else 0


class LedgerHearer:
    """Gives the writer what one partition brought, and answers whoever asked before."""

    batch_max = BATCH_MAX

    def __init__(
        self,
        database: ServiceDatabase,
        writer: Writer,
        answers: Answers,
        correlations: telling.Correlations,
    ) -> None:
        self._database = database
        self._writer = writer
        self._answers = answers
        self._correlations = correlations

    def wants(self, kind: type[Event]) -> bool:
        """Tell whether the SUBSCRIPTIONS table has the event."""
        return kind in SUBSCRIPTIONS

    def close(self) -> None:
        """Let go of what the hearer opened for itself; the rows that wait are made up later."""
        self._answers.close()
        self._writer.close()

    def handle(self, messages: Sequence[Heard], now: datetime) -> Sequence[DeadLetter]:
        """Post what is asked, book by book; see :class:`shared.worker.Hearer`."""
        copies: list[StatusCopy] = []
        by_book: dict[str, list[tuple[Heard, Command]]] = {}
        letters: list[DeadLetter] = []
        for heard in messages:
            asked = asked_by(heard)
            # What cannot even be named is kept from the writer: it would stop its neighbours.
            if flaw := asked.unnameable():
                raise_alarm(self._database, NOT_UNDERSTOOD, heard.id, flaw)
                letters.append(_letter(heard, f"{NOT_UNDERSTOOD}: {flaw}"))
            elif isinstance(asked, StatusCopy):
                copies.append(asked)
            else:
                self._correlations.note(asked.id, heard.correlation)
                by_book.setdefault(asked.book, []).append((heard, asked))
        repository.copies.keep(self._database, copies)
        for book, pairs in by_book.items():
            letters += self._book(book, pairs, now)
        self._settle(messages, letters)
        for heard in messages:
            metrics.EVENTS_HEARD.labels(self._database.name, heard.type).inc()
        return letters

    def _book(
        self, book: str, pairs: Sequence[tuple[Heard, Command]], now: datetime
    ) -> list[DeadLetter]:
        try:
            outcomes = self._writer.post(book, [command for _, command in pairs], now=now)
        except BookNotOpen:
            raise_alarm(self._database, "book-not-open", book)
            return [_letter(heard, "book-not-open") for heard, _ in pairs]
        except (SetAside, ClockApart) as why:
            raise Later(str(why)) from why
        letters = []
        for (heard, _), outcome in zip(pairs, outcomes, strict=True):
            reason = self._reason(outcome)
            if reason is not None:
                letters.append(_letter(heard, reason))
        self._answers.tell_again(_standing(outcomes))
        return letters

    def _reason(self, outcome: Outcome) -> str | None:
        """Return why an outcome is a dead letter, None where it is none; alarm where it must."""
        fact = outcome.command.fact
        if outcome.refusal is not None:
            code = outcome.refusal.code
            raise_alarm(self._database, code, fact, str(outcome.refusal))
            return f"{code}: {outcome.refusal}"
        if outcome.answer is not None and outcome.answer.refused == POSTED_OTHERWISE:
            stands = outcome.answer.about["stands"]
            raise_alarm(self._database, POSTED_OTHERWISE, fact, f"stands as {stands}")
        if outcome.answer is not None and outcome.answer.refused == NOT_UNDERSTOOD:
            return f"{NOT_UNDERSTOOD}: {outcome.command.flaw()}"
        return None

    def _settle(self, messages: Sequence[Heard], letters: Sequence[DeadLetter]) -> None:
        """Mark dead letters that were handled after all."""
        unhandled = {letter.id for letter in letters}
        handled = [heard.id for heard in messages if heard.id not in unhandled]
        if handled and repository.books.open_letters(self._database):
            dead_letters.settle(self._database, handled)


def _standing(outcomes: Sequence[Outcome]) -> list[Posting]:
    by_id: Mapping[str, Posting] = {
        outcome.answer.id: outcome.answer
        for outcome in outcomes
        if outcome.repeated and outcome.answer is not None
    }
    return list(by_id.values())


def _letter(heard: Heard, reason: str) -> DeadLetter:
    return DeadLetter(id=heard.id, reason=reason, message=heard.message)
