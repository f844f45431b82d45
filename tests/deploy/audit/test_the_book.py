"""Invariants 1 to 3: sums, the fold and its chain, the sides of the buckets."""

from __future__ import annotations

import pytest

from tests.deploy.audit.breaking import (
    ADA,
    EARNED,
    FOLDS,
    HOLDS,
    OPENING,
    SIDES,
    SUMS,
    TOLD,
    Audited,
    Break,
    Row,
    assert_named,
    broken,
    broken_town,
    change_line,
    post,
    posting,
    resealed,
)
from tests.deploy.audit.hand_made_book import LOT
from tests.deploy.audit.hand_made_town import Town

pytestmark = pytest.mark.servers


def swap_two_postings(made: Town) -> None:
    first, second = made.book.journal[2], made.book.journal[3]
    first["n"], second["n"] = second["n"], first["n"]


def delete_a_posting(made: Town) -> None:
    made.book_row()
    made.book.journal.pop(3)


def other_book(made: Town) -> None:
    made.book_row()
    stray = {**made.book.journal[0], "_id": "open:430999", "book": "430999"}
    made.book.journal.append(stray)


BROKEN: list[Row] = [
    (
        "lines that do not sum to zero",
        resealed(change_line("earn:r2:1", 0, amount=-149)),
        {SUMS, FOLDS, EARNED},
        "sum to 1",
    ),
    (
        "a balance row that holds more than was ever minted",
        lambda made: made.account_row(ADA)["balances"]["point"]["available"].update({LOT: 999}),
        {SUMS, FOLDS},
        "book 430211",
    ),
    (
        "an amount edited in the journal",
        change_line("hold:o2", 0, balance=1),
        {FOLDS},
        "does not verify",
    ),
    ("a posting deleted", delete_a_posting, {FOLDS, SIDES, EARNED, TOLD}, "missing"),
    ("two postings swapped", swap_two_postings, {FOLDS, TOLD}, "prev is not the hash"),
    (
        "a balance on a line that is not the fold",
        resealed(change_line("hold:o2", 1, balance=51)),
        {FOLDS},
        "shows balance 51",
    ),
    (
        "a row that claims a number above the head",
        lambda made: made.account_row(ADA).update(n=99),
        {FOLDS},
        "speaks of n=99",
    ),
    (
        "a row behind by a line that is not there",
        lambda made: made.account_row(ADA).update(n=4),
        {FOLDS, SUMS},
        "row and lines above it give",
    ),
    (
        "totals of the book that are not the fold",
        lambda made: made.book_row()["totals"]["mint"]["point"].update(available=-1),
        {FOLDS},
        "at n=",
    ),
    (
        "a posting that names other accounts than its lines",
        resealed(lambda made: posting(made, "hold:o2")["accounts"].append("430211:zzz:x")),
        {FOLDS},
        "accounts are not those",
    ),
    ("a posting of a book that is not open", other_book, {FOLDS}, "open books"),
    (
        "a volunteer who spends more than there is",
        lambda made: made.book.hold("o5", "bob", 50),
        {SIDES, HOLDS},
        "stands at",
    ),
    (
        "a debt above zero",
        post("gift:1", (OPENING, "available", None, -1), (ADA, "debt", LOT, 1)),
        {SIDES},
        "debt stands at 1",
    ),
]


@broken(*BROKEN)
def test_what_is_broken_is_named(
    audited: Audited, change: Break, names: set[str], words: str
) -> None:
    assert_named(audited(broken_town(change)), names, words)
