"""Row 13: what it costs to verify a book beside reading and decoding it."""

from __future__ import annotations

from collections.abc import Mapping

from services.ledger import operations
from services.ledger.model import Account
from services.ledger.operations import verifying
from services.ledger.repository import journal
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK
from tests.performance import book
from tests.performance.row import Figure, Row, Sample, Size, at_least
from tests.performance.stage import Stage
from tests.performance.stopwatch import Shares, timed

NAME = "verify a chain"
PARTS = {
    "reading and decoding": (journal, "window"),
    "numbers, hashes and sums": (verifying, "check_next"),
    "balances": (Account, "after"),
}


def verified(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Replay a book: numbers, chain, sums, balances, rows."""
    database = _written(stage, size)
    with timed() as watch:
        verdict = operations.verify(database, book=BOOK, progress=lambda _n, _of: None)
    checked = book.found_sound(database)
    shares = Shares()
    # Again for the shares: watching each of so many short calls costs as much as they do.
    with shares.watching(PARTS), timed() as again:
        operations.verify(database, book=BOOK, progress=lambda _n, _of: None)
    rate = verdict.postings / watch.seconds
    return {NAME: Sample(value=rate, checked=checked, shares=shares.of(again.seconds))}


def decoded(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Read the same windows of the same book, and do nothing with them."""
    database = _written(stage, size)
    postings = 0
    with timed() as watch:
        while window := journal.window(
            database, BOOK, after=postings, upto=postings + verifying.WINDOW
        ):
            postings += len(window)
    return {NAME: Sample(value=postings / watch.seconds, checked=book.found_sound(database))}


def _written(stage: Stage, size: Size) -> ServiceDatabase:
    database = book.empty_ledger(stage)
    people = size.of(200, small=20)
    commands = [*book.people(people), *book.days(size.of(6_000, small=100), accounts=people)]
    book.fill_whole(database, [dict(one.document) for one in book.postings_of(commands)])
    return database


ROWS = (
    Row(
        number=13,
        figures=(Figure(NAME, "postings/s", at_least(0.3), at_least(0.5)),),
        ours=verified,
        theirs=decoded,
        against="reading and decoding the same postings, nothing more",
    ),
)
