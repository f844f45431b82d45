"""A book as one writer holds it: its head, and the accounts that are true there."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from services.ledger import repository
from services.ledger.model import (
    GENESIS_PREV,
    Account,
    Book,
    Charter,
    Posting,
    Unsound,
    charter_of,
    check_next,
)
from services.ledger.model.accounts import kind_of
from shared import clock
from shared.mongo import ServiceDatabase

ACCOUNTS_KEPT = 20_000
FACTS_KEPT = 2_000
"""A hold is mostly ended soon after it was placed, and then need not be read again."""
LOOKS_AT_A_GAP = 4
GAP_PAUSE_S = 0.05

Totals = dict[str, dict[str, dict[str, int]]]


class BookNotOpen(Exception):
    """No posting opened this book."""


class Head:
    """Where a book stands for this writer. A kept account is true at this very number, always."""

    def __init__(self, database: ServiceDatabase, charter: Charter) -> None:
        self.charter = charter
        self.n = 0
        self._database = database
        self.at = 0
        self.hash = GENESIS_PREV
        self._totals: Totals = {}
        self._accounts: OrderedDict[str, Account] = OrderedDict()
        self._facts: OrderedDict[str, Posting] = OrderedDict()

    @property
    def totals(self) -> Totals:
        """Return the sums over all accounts: kind → unit → bucket → amount."""
        return {
            kind: {unit: dict(buckets) for unit, buckets in units.items()}
            for kind, units in self._totals.items()
        }

    def book(
        self, names: Iterable[str], *, facts: Mapping[str, Posting], statuses: Mapping[str, str]
    ) -> Book:
        """Return the book at this head, with these accounts."""
        return Book(
            charter=self.charter,
            n=self.n,
            at=self.at,
            hash=self.hash,
            accounts=self._load(dict.fromkeys(names)),
            facts=facts,
            statuses=statuses,
        )

    def facts(self, ids: Collection[str]) -> dict[str, Posting]:
        """Return the postings of these ids that stand, whatever their number."""
        # What stands stands for ever, so what was appended here need not be looked up.
        known = {id_: self._facts[id_] for id_ in ids if id_ in self._facts}
        unknown = [id_ for id_ in ids if id_ not in known]
        return known | repository.journal.by_ids(self._database, sorted(unknown))

    def advance(self, book: Book, postings: Sequence[Posting]) -> list[Account]:
        """Move to what was appended; return the accounts that it touched."""
        names = {name for posting in postings for name in posting.accounts}
        changed = [book.accounts[name] for name in names]
        for account in changed:
            self._keep(account)
        for posting in postings:
            self._add(posting)
            self._facts[posting.id] = posting
        while len(self._facts) > FACTS_KEPT:
            self._facts.popitem(last=False)
        return changed

    def forget(self, names: Iterable[str]) -> None:
        """Let go of accounts that may not be true here any more."""
        for name in names:
            self._accounts.pop(name, None)

    def read_forward(self) -> int:
        """Read what others appended, to the end, and check it; return how many that were.

        Raises :class:`Unsound` for a posting that cannot follow the one before it.
        """
        began = self.n
        looks = 0
        while True:
            upto = self.n + repository.journal.WINDOW
            found = repository.journal.window(
                self._database, self.charter.book, after=self.n, upto=upto
            )
            run = repository.journal.unbroken(found, after=self.n)
            for posting in run:
                check_next(posting, n=self.n, at=self.at, prev=self.hash)
                self.forget(posting.accounts)
                self._add(posting)
            if not found:
                return self.n - began
            looks = 0 if run else looks + 1
            if looks == LOOKS_AT_A_GAP:
                raise Unsound(self.n + 1, "is missing")
            if not run:
                # The scan may have passed the place before the posting came: look again.
                clock.sleep(GAP_PAUSE_S)

    def begin_at(self, posting: Posting, totals: Mapping[str, Any]) -> None:
        """Begin at a posting that stands, instead of at the first."""
        self.n, self.at, self.hash = posting.n, posting.at, posting.hash
        self._totals = {
            kind: {unit: dict(buckets) for unit, buckets in units.items()}
            for kind, units in totals.items()
        }

    def _add(self, posting: Posting) -> None:
        self.n, self.at, self.hash = posting.n, posting.at, posting.hash
        for line in posting.lines:
            units = self._totals.setdefault(kind_of(line["account"]), {})
            buckets = units.setdefault(line["unit"], {})
            buckets[line["bucket"]] = buckets.get(line["bucket"], 0) + line["amount"]

    def _load(self, names: Iterable[str]) -> dict[str, Account]:
        known: dict[str, Account] = {}
        missing = []
        for name in names:
            account = self._accounts.get(name)
            if account is None:
                missing.append(name)
            else:
                self._accounts.move_to_end(name)
                known[name] = account
        for name, account in repository.accounts.true_at(self._database, missing, n=self.n).items():
            known[name] = account
            if account.n <= self.n:
                # One that is ahead makes this append fail on its number; it is not kept.
                self._keep(account)
        return known

    def _keep(self, account: Account) -> None:
        self._accounts[account.id] = account
        self._accounts.move_to_end(account.id)
        while len(self._accounts) > ACCOUNTS_KEPT:
            self._accounts.popitem(last=False)


def open_head(database: ServiceDatabase, book: str) -> Head:
    """Return the head of a book as it is now: from the hint forwards, never by sorting.

    Raises :class:`BookNotOpen`, and :class:`Unsound` for a book that fails a check on the way.
    """
    fact = f"open:{book}"
    genesis = repository.journal.by_ids(database, [fact]).get(fact)
    if genesis is None:
        raise BookNotOpen(book)
    head = Head(database, charter_of(book=book, about=genesis.about))
    repository.books.make(database, head.charter)
    row = repository.books.row_of(database, book)
    if row is not None and row.n > 1:
        begin = repository.journal.at_number(database, book, row.n)
        if begin is None:
            raise Unsound(row.n, "is missing, though the book's row has seen it")
        check_next(begin, n=row.n - 1, at=0, prev=begin.document["prev"])
        head.begin_at(begin, row.totals)
    head.read_forward()
    return head
