"""The journal's relay: postings are told in the order of their numbers, each book by its own mark.

The journal is its own outbox. Its numbers have no gaps, so one mark per book says all; it names the
log that it speaks of, and on another log the postings of the last eight days are told again.
"""

from __future__ import annotations

from prometheus_client import Gauge

from services.ledger import repository, telling
from services.ledger.repository.books import BookRow, Mark
from shared import clock, metrics
from shared.kafka import Producer
from shared.mongo import ServiceDatabase
from shared.relay import EVERY_S, HORIZON, note_log

WINDOW = 500
BOOKS_A_ROUND = 20
"""Books whose hint says nothing new are looked at in turn: the hint is never the last word."""

BOOKS_SET_ASIDE = Gauge("gongxiang_books_set_aside", "Books that no writer goes on with")


class JournalRelay:
    """Tells the journals. Two at once only repeat; the lease saves them the work."""

    # Only workers post, and whoever posts here wakes it.
    busy_every_s = EVERY_S

    def __init__(self, database: ServiceDatabase, correlations: telling.Correlations) -> None:
        self._database = database
        self._correlations = correlations
        self._noted: str | None = None
        self._turn = 0

    def round(self, producer: Producer, log_id: str) -> int:
        """Tell what waits in each book, at most 500 numbers of it; return how many were told."""
        if self._noted != log_id:
            note_log(self._database, log_id)
            self._noted = log_id
        sent = 0
        rows = repository.books.all_rows(self._database)
        for row in self._to_look_at(rows, log_id):
            sent += self._book(producer, log_id, row)
        metrics.EVENTS_SENT.labels(self._database.name).inc(sent)
        return sent

    def oldest_unsent_s(self) -> float:
        """Return how long the oldest posting above its book's mark has waited."""
        rows = repository.books.all_rows(self._database)
        # Whoever looks, and not the one who relays: it may be another by the time it is put back.
        BOOKS_SET_ASIDE.set(sum(row.set_aside is not None for row in rows))
        behind = [row for row in rows if row.n > row.told.n]
        nexts = [
            posting
            for row in behind[:BOOKS_A_ROUND]
            for posting in repository.journal.window(
                self._database, row.book, after=row.told.n, upto=row.told.n + 1
            )
        ]
        now = clock.to_ms(clock.now())
        return max((max(0, now - posting.at) / 1000 for posting in nexts), default=0.0)

    def _to_look_at(self, rows: list[BookRow], log_id: str) -> list[BookRow]:
        waiting = [row for row in rows if row.told.log != log_id or row.n > row.told.n]
        waiting_books = {row.book for row in waiting}
        others = [row for row in rows if row.book not in waiting_books]
        first = self._turn % len(others) if others else 0
        self._turn = first + BOOKS_A_ROUND
        return waiting + (others[first:] + others[:first])[:BOOKS_A_ROUND]

    def _book(self, producer: Producer, log_id: str, row: BookRow) -> int:
        """Tell a window of one book; return how many."""
        today = clock.real_now().date().isoformat()
        if not row.days or row.days[-1][0] < today:
            repository.books.note_day(self._database, row, day=today, n=row.told.n)
        begin = _begin(row, log_id)
        window = repository.journal.window(
            self._database, row.book, after=begin, upto=begin + WINDOW
        )
        run = repository.journal.unbroken(window, after=begin)
        told = [posting for posting in run if posting.told]
        done = producer.send([telling.outgoing(p, self._correlations) for p in told])
        # What was not acknowledged holds the mark below it: in order, or again.
        failed = [posting for posting, ok in zip(told, done, strict=True) if not ok]
        upto = failed[0].n - 1 if failed else begin + len(run)
        if upto != row.told.n or row.told.log != log_id:
            now = Mark(log=log_id, n=upto)
            repository.books.move_mark(self._database, row.book, read=row.told, now=now)
        return sum(done)


def _begin(row: BookRow, log_id: str) -> int:
    """Return the number above which to tell: the mark, or on another log eight days ago's."""
    if row.told.log == log_id:
        return row.told.n
    return min(row.told.n, repository.books.number_at(row, clock.real_now() - HORIZON))
