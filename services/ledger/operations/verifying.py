"""Replay a book from its first posting: numbers, chain, sums, balances, and the rows beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.ledger import repository
from services.ledger.model import GENESIS_PREV, Account, Posting, Unsound, check_next
from services.ledger.model.accounts import kind_of
from services.ledger.repository.books import BookRow
from shared.errors import NotThere
from shared.mongo import ServiceDatabase

WINDOW = 2_000

Progress = Callable[[int, int], None]
"""Called as ``progress(n, of)`` while a book is replayed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a replay found: how far the book is sound, and the first number that is not."""

    book: str
    postings: int
    first_bad: int | None = None
    why: str = ""

    @property
    def sound(self) -> bool:
        """Tell whether nothing was found."""
        return self.first_bad is None


def verify(database: ServiceDatabase, *, book: str, progress: Progress) -> Verdict:
    """Return what a replay of a book finds; refuses with NotThere where no such book is."""
    row = repository.books.row_of(database, book)
    # The rows first: what is written meanwhile is above all of them.
    rows = {account.id: account for account in repository.accounts.of_book(database, book)}
    replay = _Replay(rows, row)
    try:
        for posting in _postings(database, book):
            replay.see(posting)
            if replay.n % 500 == 0:
                progress(replay.n, max(replay.n, row.n if row else 0))
        if replay.n == 0 and row is None:
            raise NotThere
        replay.close()
    except Unsound as unsound:
        return Verdict(book=book, postings=replay.n, first_bad=unsound.n, why=unsound.why)
    progress(replay.n, replay.n)
    return Verdict(book=book, postings=replay.n)


class _Replay:
    """The fold of a book as its postings are seen, beside what is kept of it."""

    def __init__(self, rows: dict[str, Account], row: BookRow | None) -> None:
        self.n = 0
        self._at = 0
        self._hash = GENESIS_PREV
        self._accounts: dict[str, Account] = {}
        self._totals: dict[tuple[str, str, str], int] = {}
        self._rows = rows
        self._row = row

    def see(self, posting: Posting) -> None:
        """Check one posting upon all before it; raises :class:`Unsound`."""
        check_next(posting, n=self.n, at=self._at, prev=self._hash)
        for name in posting.accounts:
            account = self._accounts.get(name) or Account(name)
            account = account.after(n=posting.n, lines=posting.lines)
            self._accounts[name] = account
            kept = self._rows.get(name)
            if kept is not None and kept.n == posting.n:
                if kept.amounts != account.amounts:
                    raise Unsound(posting.n, f"the row of {name} shows other balances")
                del self._rows[name]
        for line in posting.lines:
            key = (kind_of(line["account"]), line["unit"], line["bucket"])
            self._totals[key] = self._totals.get(key, 0) + line["amount"]
        self.n, self._at, self._hash = posting.n, posting.at, posting.hash
        if self._row is not None and self._row.n == self.n:
            self._check_totals(self._row)

    def close(self) -> None:
        """Check what was kept of postings that are not there; raises :class:`Unsound`."""
        for name, kept in sorted(self._rows.items()):
            # A row whose number never touched its account speaks of a posting that is gone.
            raise Unsound(min(kept.n, self.n + 1), f"the row of {name} has seen another posting")
        known = max(self._row.n, self._row.told.n) if self._row is not None else 0
        if known > self.n:
            raise Unsound(self.n + 1, f"is missing; the book was seen up to {known}")

    def _check_totals(self, row: BookRow) -> None:
        kept = {
            (kind, unit, bucket): amount
            for kind, units in row.totals.items()
            for unit, buckets in units.items()
            for bucket, amount in buckets.items()
        }
        if kept != self._totals:
            raise Unsound(row.n, "the book's row shows other totals")


def _postings(database: ServiceDatabase, book: str) -> Iterator[Posting]:
    """Yield a book's postings in order; the first missing number ends it, or is named."""
    after = 0
    while True:
        window = repository.journal.window(database, book, after=after, upto=after + WINDOW)
        yield from window
        if not window:
            break
        after = window[-1].n
    beyond = repository.journal.first_above(database, book, after + WINDOW)
    if beyond is not None:
        yield beyond
