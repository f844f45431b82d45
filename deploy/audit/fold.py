"""Invariants 1 to 3: each book folded again from its journal, beside the ledger's own rows.

The fold is bounded by the accounts of a book, not by its postings.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from deploy.audit import journal
from deploy.audit.report import Invariant
from deploy.audit.sources import Document

FORMAT = 1
FLOORS = ("available", "held", "pending")
DEBT = "debt"
BUCKETS = (*FLOORS, DEBT)
NO_LOT = "-"
"""How a row names what has no lot."""
HOLDERS = ("volunteer", "merchant", "pool", "team")
OWN = (
    *("mint", "expired", "clearing", "adjustment"),
    *("unclaimed", "settled", "guarantee", "opening"),
)


class Cell(NamedTuple):
    """Where a balance stands: a bucket of a unit in an account, split by lot."""

    account: str
    unit: str
    bucket: str
    lot: str


class Pot(NamedTuple):
    """A bucket of a unit in an account, over all lots: what a line's ``balance`` speaks of."""

    account: str
    unit: str
    bucket: str


class Fold:
    """One book's balances as its postings are seen, and what is wrong with the postings."""

    def __init__(
        self, row: Document, rows: Iterable[Document], found: Mapping[str, Invariant]
    ) -> None:
        self.book = str(row["_id"])
        self._hint, self._totals = row.get("n", 0), row.get("totals", {})
        self.head = 0
        self.cells: dict[Cell, int] = defaultdict(int)
        self.pots: dict[Pot, int] = defaultdict(int)
        self._sums, self._folds = found["sums-are-zero"], found["book-folds"]
        self._sides = found["no-overdraft"]
        self._prev, self._at = journal.GENESIS_PREV, 0
        self._rows = {str(row["_id"]): row for row in rows}
        self._above: dict[Cell, int] = defaultdict(int)
        """What the rows do not hold yet: the lines above each row's own number."""

    def see(self, book: str, posting: Document) -> None:
        """Check one posting against all before it, and fold it."""
        name = f"{posting['_id']} ({book} n={posting['n']})"
        self._check_place(name, posting)
        lines = posting.get("lines", [])
        self._check_sum(name, lines)
        if self._fold(name, posting["n"], lines):
            self._check_sides(name, lines)
        self._check_accounts(name, posting, lines)
        self.head = posting["n"]
        if self.head == self._hint:
            self._check_totals()

    def close(self) -> None:
        """Hold the rows of the book against the fold, once every posting was seen."""
        self._folds.expect(
            self._hint <= self.head,
            f"book {self.book} says n={self._hint}, its head is {self.head}",
        )
        sums: dict[str, int] = defaultdict(int)
        kept: dict[Cell, int] = defaultdict(int)
        for account, row in self._rows.items():
            self._folds.expect(
                row["n"] <= self.head,
                f"row {account} speaks of n={row['n']}, the head of {self.book} is {self.head}",
            )
            for cell, amount in row_cells(account, row):
                kept[cell] += amount
        for cell in kept.keys() | self._above.keys() | self.cells.keys():
            true = kept[cell] + self._above[cell]
            sums[cell.unit] += true
            self._folds.expect(
                true == self.cells.get(cell, 0),
                f"{_place(cell)}: row and lines above it give {true}, "
                f"the journal gives {self.cells.get(cell, 0)}",
            )
        for unit, total in sums.items():
            self._sums.expect(total == 0, f"book {self.book}: its {unit} balances sum to {total}")

    def _check_totals(self) -> None:
        """Hold the sums that the book keeps by kind, unit and bucket against the fold."""
        kept: dict[tuple[str, str, str], int] = {
            (kind, unit, bucket): amount
            for kind, units in self._totals.items()
            for unit, buckets in units.items()
            for bucket, amount in buckets.items()
        }
        ought: dict[tuple[str, str, str], int] = defaultdict(int)
        for pot, amount in self.pots.items():
            ought[kind_of(pot.account), pot.unit, pot.bucket] += amount
        for place in kept.keys() | ought.keys():
            self._folds.expect(
                kept.get(place, 0) == ought.get(place, 0),
                f"book {self.book} at n={self._hint}: {_place(place)} in all "
                f"{kept.get(place, 0)}, the journal gives {ought.get(place, 0)}",
            )

    def _check_place(self, name: str, posting: Document) -> None:
        folds, n = self._folds, posting["n"]
        folds.looked()
        if n != self.head + 1:
            folds.found(f"{name}: number {self.head + 1} is missing before it")
        if not journal.only_integers(posting):
            folds.found(f"{name}: something that is neither text nor whole number")
            return
        if posting.get("prev") != self._prev:
            folds.found(f"{name}: prev is not the hash of the posting before it")
        ought = journal.chained(str(posting.get("prev")), posting)
        if posting.get("hash") != ought:
            folds.found(f"{name}: the hash does not verify")
        if posting.get("format") != FORMAT:
            folds.found(f"{name}: format {posting.get('format')}")
        if posting.get("at", 0) < self._at:
            folds.found(f"{name}: earlier than the posting before it")
        if (n == 1) != (posting["_id"] == f"{journal.OPENING}:{self.book}"):
            folds.found(f"{name}: the opening is number 1 and nothing else is")
        self._prev, self._at = str(posting.get("hash")), posting.get("at", 0)

    def _check_sum(self, name: str, lines: list[Document]) -> None:
        self._sums.looked()
        sums: dict[str, int] = defaultdict(int)
        for line in lines:
            sums[line["unit"]] += line["amount"]
        for unit, total in sums.items():
            if total:
                self._sums.found(f"{name}: its {unit} lines sum to {total}")

    def _fold(self, name: str, n: int, lines: list[Document]) -> bool:
        for line in lines:
            account, unit, bucket = line["account"], line["unit"], line["bucket"]
            pot = Pot(account, unit, bucket)
            cell = Cell(*pot, line.get("lot") or "")
            self.pots[pot] += line["amount"]
            self.cells[cell] += line["amount"]
            row = self._rows.get(account)
            if row is None or n > row["n"]:
                self._above[cell] += line["amount"]
            if line.get("balance") != self.pots[pot]:
                self._folds.found(
                    f"{name}: {_place(pot)} shows balance {line.get('balance')}, "
                    f"the journal gives {self.pots[pot]}"
                )
        return bool(lines)

    def _check_sides(self, name: str, lines: list[Document]) -> None:
        for line in lines:
            account, unit, bucket = line["account"], line["unit"], line["bucket"]
            if kind_of(account) in OWN:
                continue
            pot = Pot(account, unit, bucket)
            cell = Cell(*pot, line.get("lot") or "")
            self._sides.looked()
            for place, balance in ((pot, self.pots[pot]), (cell, self.cells[cell])):
                if balance > 0 if bucket == DEBT else balance < 0:
                    self._sides.found(f"{name}: {_place(place)} stands at {balance}")

    def _check_accounts(self, name: str, posting: Document, lines: list[Document]) -> None:
        named = sorted({line["account"] for line in lines})
        if posting.get("accounts", []) != named:
            self._folds.found(f"{name}: accounts are not those of its lines")
        for line in lines:
            if not line["account"].startswith(f"{self.book}:"):
                self._folds.found(f"{name}: {line['account']} is of another book")
            if kind_of(line["account"]) not in (*HOLDERS, *OWN) or line["bucket"] not in BUCKETS:
                self._folds.found(f"{name}: {line['account']} {line['bucket']} is no known place")


def kind_of(account: str) -> str:
    """Return the kind of an account ``<book>:<kind>:<id>``."""
    parts = account.split(":")
    return parts[1] if len(parts) > 1 else ""


def row_cells(account: str, row: Document) -> Iterator[tuple[Cell, int]]:
    """Yield what a row of ``accounts`` holds, cell by cell."""
    for unit, buckets in row.get("balances", {}).items():
        for bucket, lots in buckets.items():
            for lot, amount in lots.items():
                yield Cell(account, unit, bucket, "" if lot == NO_LOT else lot), amount


def _place(place: tuple[Any, ...]) -> str:
    return " ".join(str(part) for part in place if part)
