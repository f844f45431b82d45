"""Balance rows: one per account, never wrong, at most behind.

A row is true at its own ``n``. The truth of any later moment is the row and the account's lines
above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from services.ledger.model import Account, account_of_row
from services.ledger.repository import journal
from shared.mongo import Document, ServiceDatabase

FOR_EVER = 2**62
_DUPLICATE = 11000
_ROWS_A_WRITE = 100


def rows(database: ServiceDatabase, names: Sequence[str]) -> dict[str, Account]:
    """Return what the rows of these accounts hold; an account without a row is left out."""
    found: dict[str, Account] = {}
    for start in range(0, len(names), journal.IN_MAX):
        some = names[start : start + journal.IN_MAX]
        wanted = some[0] if len(some) == 1 else {"$in": list(some)}
        for row in database.db.accounts.find({"_id": wanted}):
            found[row["_id"]] = account_of_row(row)
    return found


def true_at(database: ServiceDatabase, names: Sequence[str], *, n: int) -> dict[str, Account]:
    """Return these accounts as they are true at posting ``n``, or later where a row is later."""
    known = rows(database, names)
    for name in names:
        account = known.get(name) or Account(name)
        if account.n < n:
            account = _with_lines(database, account, upto=n)
        known[name] = account
    return known


def newest(database: ServiceDatabase, name: str) -> Account:
    """Return an account as true as the journal is now."""
    account = rows(database, [name]).get(name) or Account(name)
    return _with_lines(database, account, upto=FOR_EVER)


def replace(database: ServiceDatabase, accounts: Iterable[Account]) -> None:
    """Replace rows whole, where they are behind these."""
    writes = [
        ReplaceOne({"_id": account.id, "n": {"$lt": account.n}}, _row(account), upsert=True)
        for account in accounts
    ]
    for start in range(0, len(writes), _ROWS_A_WRITE):
        _write(database, writes[start : start + _ROWS_A_WRITE])


def of_book(database: ServiceDatabase, book: str) -> Iterator[Account]:
    """Yield all rows of a book; for whoever looks at the whole of it."""
    of_this_book = {"_id": {"$gte": f"{book}:", "$lt": f"{book};"}}
    for row in database.db.accounts.find(of_this_book, batch_size=500):
        yield account_of_row(row)


def _row(account: Account) -> Document:
    return {
        "_id": account.id,
        "book": account.id.partition(":")[0],
        "n": account.n,
        "balances": account.balances(),
    }


def _write(database: ServiceDatabase, writes: Sequence[ReplaceOne[Document]]) -> None:
    """Write all rows; a duplicate is a row that is not behind: another writer was quicker."""
    try:
        # In order it costs the server less, and mostly there is one writer.
        database.db.accounts.bulk_write(writes, ordered=True)
        return
    except BulkWriteError as error:
        rest = writes[_duplicate(error)["index"] + 1 :]
    try:
        if rest:
            database.db.accounts.bulk_write(rest, ordered=False)
    except BulkWriteError as error:
        _duplicate(error)


def _duplicate(error: BulkWriteError) -> Document:
    """Return the first error where all are duplicates; raise it where one is not."""
    errors: list[Document] = error.details["writeErrors"]
    if not errors or any(one["code"] != _DUPLICATE for one in errors):
        raise error
    return errors[0]


def _with_lines(database: ServiceDatabase, account: Account, *, upto: int) -> Account:
    for posting in journal.touching(database, account.id, after=account.n, upto=upto):
        account = account.after(n=posting.n, lines=posting.lines)
    return account
