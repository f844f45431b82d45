"""Looking at a real journal as an auditor would: everything read, everything checked again."""

from __future__ import annotations

from services.ledger import operations, repository
from services.ledger.model import Account, Posting, account_id
from services.ledger.repository.books import BookRow
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK, Bookkeeper


def journal(database: ServiceDatabase, book: str = BOOK) -> list[Posting]:
    found = database.db.journal.find({"book": book}).sort("n", 1)
    return [Posting(document) for document in found]


def check(database: ServiceDatabase, book: str = BOOK) -> list[Posting]:
    """Return the journal, after it was found whole, in order, without a wrong balance."""
    postings = journal(database, book)
    keeper = Bookkeeper()
    keeper.journal = postings
    keeper.check()
    verdict = operations.verify(database, book=book, progress=lambda _n, _of: None)
    assert verdict.sound, verdict
    return postings


def rows(database: ServiceDatabase) -> dict[str, Account]:
    return {account.id: account for account in repository.accounts.of_book(database, BOOK)}


def book_row(database: ServiceDatabase) -> BookRow:
    row = repository.books.row_of(database, BOOK)
    assert row is not None
    return row


def truth(database: ServiceDatabase, holder: str, kind: str = "volunteer") -> Account:
    """Return an account as the journal alone has it."""
    name = account_id(book=BOOK, kind=kind, holder=holder)
    account = Account(name)
    for posting in journal(database):
        if name in posting.accounts:
            account = account.after(n=posting.n, lines=posting.lines)
    return account


def available(database: ServiceDatabase, holder: str, kind: str = "volunteer") -> int:
    name = account_id(book=BOOK, kind=kind, holder=holder)
    return repository.accounts.newest(database, name).total("available")
