"""Row 12: a book a hundred times as long answers as quickly."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice

from deploy.embedded.servers import MongoServer
from services.ledger import operations
from services.ledger.settings import LedgerSettings
from services.ledger.writer import Writer
from shared.auth import Grant, Principal, Role
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK, earn
from tests.performance import book
from tests.performance.row import Arm, Curve, Figure, NotSound, Row, Sample, Size, at_most
from tests.performance.stage import Stage
from tests.performance.stopwatch import timed

POST, BALANCE, PAGE = "a posting, alone", "a balance", "a page of a statement"
LARGE, MEDIUM, SMALL = 100_000, 10_000, 1_000
ACCOUNTS = 200
REGULARS = 5
"""Accounts with a page's entries in a book of any length, spread over the whole of it."""
LOOKS = 60
PAGE_LENGTH = 51
ENTRIES = 60
PREFIX = "large_"


def answers(postings: int) -> Arm:
    """Return the arm that asks of a book of so many postings."""

    def arm(stage: Stage, size: Size) -> Mapping[str, Sample]:
        long = size.of(postings, small=max(250, postings // 250))
        database = _holding(stage, long, size)
        own = Writer(database)
        looks = size.of(LOOKS, small=5)

        def post(turn: int) -> None:
            book.post(own, [earn(f"late-{turn}", volunteer=f"v{turn % ACCOUNTS}")])

        work: dict[str, Callable[[int], object]] = {
            POST: post,
            BALANCE: lambda turn: operations.own_balance(
                database, who=_person(f"v{turn % ACCOUNTS}"), book=BOOK
            ),
            PAGE: lambda turn: _page(database, turn, length=min(PAGE_LENGTH, _entries(long))),
        }
        found = {name: _median_ms(look, looks) for name, look in work.items()}
        own.close()
        checked = book.found_sound(database)
        return {name: Sample(value=ms, checked=checked) for name, ms in found.items()}

    return arm


def cost(work: str) -> Callable[[Stage, Size, int], float]:
    """Return the curve of one of the three."""

    def ms(stage: Stage, size: Size, postings: int) -> float:
        return answers(postings)(stage, size)[work].value

    return ms


def _holding(stage: Stage, postings: int, size: Size) -> ServiceDatabase:
    """Return the ledger on a copy of a server that holds a book of this length."""
    if size.small:
        # Short enough to be written each time, on the server that is there.
        database = book.empty_ledger(stage)
        _write(database, postings)
        return database
    stage.mongo(holding=stage.made_once(f"book-{postings}", partial(_make, postings=postings)))
    database = book.ledger_of(stage.settings(LedgerSettings, "ledger-0", database_prefix=PREFIX))
    stage.callback(database.close)
    return database


def _make(server: MongoServer, *, postings: int) -> None:
    settings = LedgerSettings(
        mode="embedded",
        mongo_uri=server.uri,
        kafka_bootstrap="127.0.0.1:1",
        jwks_url="",
        database_prefix=PREFIX,
        slot="ledger-0",
        log_level="ERROR",
    )
    database = book.ledger_of(settings)
    try:
        _write(database, postings)
    finally:
        database.close()


def _write(database: ServiceDatabase, postings: int) -> None:
    commands = book.people(ACCOUNTS)
    days = iter(book.days(postings, accounts=ACCOUNTS))
    entries = _entries(postings)
    between = (postings - ACCOUNTS) // entries - REGULARS
    for turn in range(entries):
        commands += [earn(f"regular-{turn}-{i}", volunteer=f"r{i}") for i in range(REGULARS)]
        commands += islice(days, between)
    made = islice(book.postings_of([*commands, *days]), postings)
    book.fill_whole(database, [dict(one.document) for one in made])


def _entries(postings: int) -> int:
    """Return how many entries each regular has; in a book of the small size there is less room."""
    return min(ENTRIES, (postings - ACCOUNTS) // (2 * REGULARS))


def _page(database: ServiceDatabase, turn: int, *, length: int) -> None:
    """Read a page of so many entries: one with fewer is cheaper in any book."""
    who = _person(f"r{turn % REGULARS}")
    found = operations.own_statement(database, who=who, book=BOOK, before=2**62, limit=length)
    if len(found) != length:
        raise NotSound(f"a page of {len(found)} entries, not {length}")


def _median_ms(look: Callable[[int], object], looks: int) -> float:
    took = []
    # The first ones open connections, and read what the server does not have in memory yet.
    for turn in range(looks + 5):
        with timed() as watch:
            look(turn)
        took.append(watch.seconds * 1000)
    return statistics.median(took[5:])


def _person(name: str) -> Principal:
    return Principal(person_id=name, number="1", roles=(Grant(Role.VOLUNTEER, ""),))


ROWS = (
    Row(
        number=12,
        figures=tuple(
            Figure(name, "ms", at_most(1.3), at_most(1.1)) for name in (POST, BALANCE, PAGE)
        ),
        ours=answers(LARGE),
        theirs=answers(SMALL),
        against="itself, a book of 1,000 postings in place of 100,000",
    ),
)

CURVES = tuple(
    Curve(
        name=name,
        axis="postings in the book",
        unit="ms",
        sizes=(SMALL, MEDIUM, LARGE),
        small=(250,),
        cost=cost(name),
    )
    for name in (POST, BALANCE, PAGE)
)
