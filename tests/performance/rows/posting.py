"""Rows 1 to 4: what a posting costs beside a bare insert of the same documents."""

from __future__ import annotations

from collections.abc import Mapping

from services.ledger import repository, writer
from services.ledger.writer import Writer
from tests.performance import book
from tests.performance.row import Arm, Curve, Figure, NotSound, Row, Sample, Size, at_least
from tests.performance.stage import Stage
from tests.performance.stopwatch import Shares, timed

HOT, RANDOM = 20, 2_000
PARTS = {
    "insert_many": (repository.journal, "append"),
    "balance rows": (repository.accounts, "replace"),
    "facts looked up": (repository.journal, "by_ids"),
    "accounts read": (repository.accounts, "true_at"),
    "status looked up": (repository.copies, "restricted"),
    "deciding": (writer, "_decided"),
    "book's row": (repository.books, "raise_hint"),
}


def posted(figure: str, accounts: int, *, batch: int = 50, full: int = 3_000) -> Arm:
    """Return the arm that posts commands and has every balance row caught up."""

    def arm(stage: Stage, size: Size) -> Mapping[str, Sample]:
        among = size.of(accounts, small=20)
        postings = size.of(full, small=100)
        database = book.open_ledger(stage)
        own = Writer(database)
        book.post(own, book.people(among))
        own.rows.write()
        shares = Shares()
        commands = book.days(postings, accounts=among)
        with shares.watching(PARTS), timed() as watch:
            book.post(own, commands, size=batch)
            own.rows.write()
        own.close()
        checked = book.found_sound(database)
        if checked != 1 + among + postings:
            raise NotSound(f"{checked} postings for {1 + among + postings} commands")
        rate = postings / watch.seconds
        return {figure: Sample(value=rate, checked=checked, shares=shares.of(watch.seconds))}

    return arm


def inserted(figure: str, accounts: int, *, full: int = 3_000) -> Arm:
    """Return the arm that inserts the same documents, in the same batches, and nothing else."""

    def arm(stage: Stage, size: Size) -> Mapping[str, Sample]:
        among = size.of(accounts, small=20)
        postings = size.of(full, small=100)
        database = book.empty_ledger(stage)
        commands = [*book.people(among), *book.days(postings, accounts=among)]
        documents = [dict(posting.document) for posting in book.postings_of(commands)]
        book.fill(database, documents[:-postings])
        with timed() as watch:
            book.fill(database, documents[-postings:])
        checked = book.chain_sound(list(database.db.journal.find()))
        return {figure: Sample(value=postings / watch.seconds, checked=checked)}

    return arm


def cost(stage: Stage, size: Size, accounts: int) -> float:
    """Return milliseconds a posting, balances caught up, among so many accounts."""
    postings = size.of(1_500, small=50)
    database = book.open_ledger(stage)
    own = Writer(database)
    book.post(own, book.people(accounts))
    own.rows.write()
    commands = book.days(postings, accounts=accounts)
    with timed() as watch:
        book.post(own, commands)
        own.rows.write()
    own.close()
    book.found_sound(database)
    return watch.seconds * 1000 / postings


def _row(number: int, name: str, accounts: int, goals: tuple[float, float]) -> Row:
    goal, world_class = goals
    return Row(
        number=number,
        figures=(Figure(name, "postings/s", at_least(goal), at_least(world_class)),),
        ours=posted(name, accounts),
        theirs=inserted(name, accounts),
        against="`insert_many` of the same documents, same batches, same indexes",
    )


ROWS = (
    _row(1, "postings, 20 hot accounts, balances caught up", HOT, (0.60, 0.85)),
    _row(2, "postings, 2,000 accounts at random, balances caught up", RANDOM, (0.40, 0.65)),
    Row(
        number=3,
        figures=(Figure("hot ÷ random", "postings/s", at_least(0.9), at_least(1.0)),),
        ours=posted("hot ÷ random", HOT),
        theirs=posted("hot ÷ random", RANDOM),
        against="itself, 2,000 accounts at random in place of 20",
    ),
    Row(
        number=4,
        figures=(Figure("batch of 50 ÷ batch of 1", "postings/s", at_least(4), at_least(7)),),
        ours=posted("batch of 50 ÷ batch of 1", HOT, full=2_000),
        theirs=posted("batch of 50 ÷ batch of 1", HOT, batch=1, full=400),
        against="itself, one command at a time",
    ),
)

CURVES = (
    Curve(
        name="a posting, balances caught up",
        axis="accounts",
        unit="ms",
        sizes=(20, 200, 2_000, 10_000),
        small=(20,),
        cost=cost,
    ),
)
