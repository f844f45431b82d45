"""Commands of a district's days, and the postings that they make, worked out without a database."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from services.ledger import operations, repository
from services.ledger.heads import open_head
from services.ledger.model import Account, Book, Command, Posting, check_next, decide, genesis
from services.ledger.settings import LedgerSettings
from services.ledger.writer import BATCH_MAX, Writer
from shared import clock
from shared.mongo import Document, ServiceDatabase
from tests.ledger.bookkeeper import BOOK, SPRING, capture, earn, hold, opening
from tests.performance.row import NotSound
from tests.performance.stage import Stage

MERCHANTS_MAX = 180


def people(accounts: int) -> list[Command]:
    """Return what gives each of so many volunteers points to spend, and so an account."""
    return [earn(f"first-{i}", minutes=120, volunteer=f"v{i}") for i in range(accounts)]


def days(postings: int, *, accounts: int, seed: int = 1) -> list[Command]:
    """Return commands about accounts drawn at random: half earn, a quarter hold and capture."""
    choose = random.Random(seed)
    made: list[Command] = []
    held: list[tuple[str, str]] = []
    while len(made) < postings:
        kind, who = choose.random(), f"v{choose.randrange(accounts)}"
        name = f"{seed}-{len(made)}"
        if kind < 0.5:
            minutes = choose.choice([60, 90, 120])
            made.append(earn(f"record-{name}", minutes=minutes, volunteer=who))
        elif kind < 0.75 or not held:
            made.append(hold(f"order-{name}", amount=50, volunteer=who))
            held.append((f"order-{name}", who))
        else:
            order, who = held.pop(0)
            shop = f"shop-{choose.randrange(min(accounts, MERCHANTS_MAX))}"
            made.append(capture(order, amount=50, volunteer=who, merchant=shop))
    return made


def postings_of(commands: Sequence[Command]) -> Iterator[Posting]:
    """Yield the book's postings of these commands, by the pure functions alone."""
    command = opening()
    first = genesis(command, at=SPRING)
    yield first
    accounts: dict[str, Account] = {}
    known: dict[str, Posting] = {}
    n, at, last = first.n, first.at, first.hash
    for batch in batches(commands, BATCH_MAX):
        named = {id_ for one in batch for id_ in one.ids()}
        named |= {id_ for one in batch for id_ in one.further_ids(known)}
        touched = {name for one in batch for name in one.accounts()}
        book = Book(
            charter=command.charter,
            n=n,
            at=at,
            hash=last,
            accounts={name: accounts[name] for name in touched if name in accounts},
            facts={id_: known[id_] for id_ in named if id_ in known},
        )
        for one in batch:
            decision = decide(book, one, at=SPRING)
            book = decision.book
            known.update((posting.id, posting) for posting in decision.posted)
            yield from decision.posted
        accounts.update(book.accounts)
        n, at, last = book.n, book.at, book.hash


def batches(things: Sequence[Command], size: int) -> Iterator[Sequence[Command]]:
    """Yield slices of a size."""
    for start in range(0, len(things), size):
        yield things[start : start + size]


def open_ledger(stage: Stage) -> ServiceDatabase:
    """Return a ledger's database with the book open and nothing in it."""
    database = empty_ledger(stage)
    operations.open_book(
        database, book=BOOK, name="天元区 Tianyuan", zone="Asia/Shanghai", now=clock.now()
    )
    return database


def empty_ledger(stage: Stage) -> ServiceDatabase:
    """Return a ledger's database with its collections and indexes, and no book."""
    database = ledger_of(stage.settings(LedgerSettings, "ledger-0"))
    stage.callback(database.close)
    return database


def ledger_of(settings: LedgerSettings) -> ServiceDatabase:
    """Return the ledger's database of these settings, made where it is missing."""
    database = ServiceDatabase.connect(settings, "ledger")
    repository.prepare(database)
    return database


def post(writer: Writer, commands: Sequence[Command], *, size: int = BATCH_MAX) -> None:
    """Post commands in batches of a size."""
    for batch in batches(commands, size):
        writer.post(BOOK, batch, now=clock.now())


def fill(database: ServiceDatabase, documents: Sequence[Document]) -> None:
    """Insert ready postings as the writer does, fifty at a time."""
    for start in range(0, len(documents), BATCH_MAX):
        database.db.journal.insert_many(documents[start : start + BATCH_MAX])


def fill_whole(database: ServiceDatabase, documents: Sequence[Document]) -> None:
    """Insert ready postings, and write the rows and the totals that belong to them."""
    accounts: dict[str, Account] = {}
    for document in documents:
        for name in document["accounts"]:
            account = accounts.get(name) or Account(name)
            accounts[name] = account.after(n=document["n"], lines=document["lines"])
    fill(database, documents)
    repository.accounts.replace(database, accounts.values())
    head = open_head(database, BOOK)
    repository.books.raise_hint(database, BOOK, n=head.n, totals=head.totals)


def found_sound(database: ServiceDatabase) -> int:
    """Return how many postings a replay found sound, rows caught up; or raise NotSound."""
    verdict = operations.verify(database, book=BOOK, progress=lambda _n, _of: None)
    if not verdict.sound:
        raise NotSound(f"posting {verdict.first_bad} {verdict.why}")
    newest: dict[str, int] = {}
    for document in database.db.journal.find({"book": BOOK}, {"accounts": 1, "n": 1}):
        for name in document["accounts"]:
            newest[name] = max(document["n"], newest.get(name, 0))
    rows = {account.id: account.n for account in repository.accounts.of_book(database, BOOK)}
    if rows != newest:
        raise NotSound(f"{len(newest.items() - rows.items())} balance rows are behind")
    return verdict.postings


def chain_sound(documents: Sequence[Document]) -> int:
    """Return how many postings follow each other as a chain; raises Unsound."""
    n, at, prev = 0, 0, "0" * 64
    for document in sorted(documents, key=lambda one: one["n"]):
        posting = Posting(document)
        check_next(posting, n=n, at=at, prev=prev)
        n, at, prev = posting.n, posting.at, posting.hash
    return n
