"""The writer: commands of one book become postings at its head.

No lock, no lease, no transaction. The unique number lets one of two writers win, and the other,
whatever error it saw, reads forward, looks its facts up again and goes on from there.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Gauge

from services.ledger import repository
from services.ledger.heads import BookNotOpen, Head, open_head
from services.ledger.model import Book, Command, Open, Posting, Unsound, decide, genesis
from services.ledger.rows import Rows
from shared import clock
from shared.errors import Refusal
from shared.mongo import ServiceDatabase, raise_alarm

BATCH_MAX = 50
ROUNDS_WITHOUT_PROGRESS = 10
CLOCK_APART_MAX = timedelta(minutes=5)
CLOCK_LOOK_EVERY_S = 10.0
ROW_LOOK_EVERY_S = 1.0

JOURNAL_HEAD = Gauge("gongxiang_journal_head", "Number of the newest posting", ["book"])

log = logging.getLogger(__name__)


class Unforeseen(Refusal):
    """A command that no rule foresaw: set aside for an operator, its neighbours go on."""

    title = "未预料的情况 · Unforeseen"


class SetAside(Exception):
    """A book that failed a check: nothing is posted to it before an operator has looked."""


class ClockApart(Exception):
    """This process's clock and the database's are too far apart to post by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a command: the posting that answers it, or why nothing does."""

    command: Command
    answer: Posting | None
    repeated: bool
    """The answer stood already; nothing was posted now."""
    refusal: Refusal | None = None


class Writer:
    """Posts to any book. Any number of writers may post to one book at once."""

    def __init__(self, database: ServiceDatabase, *, rows: Rows | None = None) -> None:
        self._database = database
        self.rows = rows or Rows(database)
        self._heads: dict[str, Head] = {}
        self._guard = threading.Lock()
        self._clock_looked_at = float("-inf")
        self._looked_at: dict[str, float] = {}

    def post(self, book: str, commands: Sequence[Command], *, now: datetime) -> list[Outcome]:
        """Return what became of each command, in order; what was posted is in the journal.

        Raises :class:`BookNotOpen`, :class:`SetAside` and :class:`ClockApart` where nothing may
        be posted, and pymongo's errors for trouble: then the same is tried again, safely.
        """
        with self._guard:
            self._look_at_clock()
            try:
                return self._post(book, commands, now=now)
            except Unsound as first:
                # What is kept here may be at fault, not the journal: look once with nothing kept.
                log.warning("looking again", extra={"book": book, "why": str(first)})
                self._heads.pop(book, None)
            try:
                return self._post(book, commands, now=now)
            except Unsound as unsound:
                self._set_aside(book, unsound)
                raise SetAside(f"{book}: {unsound}") from unsound

    def open(self, command: Open, *, now: datetime) -> Posting:
        """Return the posting that opens a book: the one that stands, where it is open already."""
        with self._guard:
            self._look_at_clock()
            posting = genesis(command, at=clock.to_ms(now))
            standing = self._find(command.fact)
            if standing is None:
                try:
                    repository.journal.append(self._database, [posting])
                except repository.journal.NotAppended:
                    standing = self._find(command.fact)
                    if standing is None:
                        raise
            repository.books.make(self._database, command.charter)
            return standing or posting

    def close(self) -> None:
        """Write what waits for the rows."""
        self.rows.close()

    def _post(self, book: str, commands: Sequence[Command], *, now: datetime) -> list[Outcome]:
        head = self._head(book)
        outcomes: list[Outcome] = []
        rounds = 0
        while len(outcomes) < len(commands):
            self.rows.keep_up()
            batch = commands[len(outcomes) : len(outcomes) + BATCH_MAX]
            done = self._round(head, batch, at=clock.to_ms(now))
            outcomes += done
            rounds = 0 if done else rounds + 1
            if rounds == ROUNDS_WITHOUT_PROGRESS:
                log.warning("no progress", extra={"book": book, "n": head.n})
                clock.sleep(random.random())
                rounds = 0
        return outcomes

    def _round(self, head: Head, commands: Sequence[Command], *, at: int) -> list[Outcome]:
        """Decide and append once; nothing is done where the append returned an error."""
        book = self._book(head, commands)
        outcomes: list[Outcome] = []
        posted: list[Posting] = []
        for command in commands:
            outcome, added, book = _decided(book, command, at=at)
            outcomes.append(outcome)
            posted += added
            if len(posted) >= BATCH_MAX:
                break
        if posted and not self._append(head, book, posted):
            return []
        return outcomes

    def _append(self, head: Head, book: Book, posted: Sequence[Posting]) -> bool:
        try:
            repository.journal.append(self._database, posted)
            changed = head.advance(book, posted)
        except repository.journal.NotAppended as error:
            log.info("not appended", extra={"book": head.charter.book, "why": str(error)})
            head.forget(book.accounts)
            head.read_forward()
            return False
        except BaseException:
            # Nobody knows how far it came: begin again from what is written.
            self._heads.pop(head.charter.book, None)
            raise
        self.rows.note(head.charter.book, changed, n=head.n, totals=head.totals)
        JOURNAL_HEAD.labels(head.charter.book).set(head.n)
        return True

    def _book(self, head: Head, commands: Sequence[Command]) -> Book:
        """Return the book with all that these commands depend on."""
        named = [command for command in commands if not command.unnameable()]
        facts = _facts(head, named)
        while any(fact.book == head.charter.book and fact.n > head.n for fact in facts.values()):
            # Another writer's, newer than the accounts here: a hold that they do not hold yet.
            head.read_forward()
            facts = _facts(head, named)
        new = [command for command in named if not command.flaw() and command.fact not in facts]
        return head.book(
            [name for command in new for name in command.accounts()],
            facts=facts,
            statuses=repository.copies.restricted(self._database, _persons(new)),
        )

    def _head(self, book: str) -> Head:
        if clock.monotonic() - self._looked_at.get(book, float("-inf")) > ROW_LOOK_EVERY_S:
            row = repository.books.row_of(self._database, book)
            if row is not None and row.set_aside is not None:
                self._heads.pop(book, None)
                raise SetAside(f"{book}: {row.set_aside['why']}")
            self._looked_at[book] = clock.monotonic()
        if book not in self._heads:
            self._heads[book] = open_head(self._database, book)
        return self._heads[book]

    def _find(self, fact: str) -> Posting | None:
        return repository.journal.by_ids(self._database, [fact]).get(fact)

    def _set_aside(self, book: str, unsound: Unsound) -> None:
        self._heads.pop(book, None)
        self._looked_at.pop(book, None)
        repository.books.set_aside(self._database, book, n=unsound.n, why=str(unsound))
        raise_alarm(self._database, "book-set-aside", book, str(unsound))

    def _look_at_clock(self) -> None:
        if clock.monotonic() - self._clock_looked_at < CLOCK_LOOK_EVERY_S:
            return
        apart = clock.real_now() - self._database.server_time()
        if abs(apart) > CLOCK_APART_MAX:
            slot = self._database.settings.slot
            raise_alarm(self._database, "clock-apart", slot, f"{apart.total_seconds():.0f} s")
            raise ClockApart(f"{apart.total_seconds():.0f} s from the database's")
        self._clock_looked_at = clock.monotonic()


def _decided(book: Book, command: Command, *, at: int) -> tuple[Outcome, tuple[Posting, ...], Book]:
    try:
        decision = decide(book, command, at=at)
    except Refusal as refusal:
        return Outcome(command=command, answer=None, repeated=False, refusal=refusal), (), book
    except Unsound:
        raise
    except Exception as error:  # poison must not stop its neighbours
        log.exception("unforeseen in a decision", extra={"fact": command.fact[:200]})
        unforeseen = Unforeseen(f"{type(error).__name__}: {error}")
        return Outcome(command=command, answer=None, repeated=False, refusal=unforeseen), (), book
    repeated = not decision.posted
    return (
        Outcome(command=command, answer=decision.answer, repeated=repeated),
        decision.posted,
        decision.book,
    )


def _facts(head: Head, commands: Sequence[Command]) -> dict[str, Posting]:
    """Return what stands of all that these commands name, looked up now."""
    ids = {id_ for command in commands for id_ in command.ids()}
    facts = head.facts(ids)
    further = {id_ for command in commands for id_ in command.further_ids(facts)} - ids
    return facts | head.facts(further)


def _persons(commands: Iterable[Command]) -> Iterable[str]:
    return (person for command in commands for person in command.persons())


__all__ = ["BookNotOpen", "ClockApart", "Outcome", "SetAside", "Unforeseen", "Writer"]
