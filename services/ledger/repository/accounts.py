"""Balance rows: one per account, never wrong, at most behind.

A row is true at its own ``n``. The truth of any later moment is the row and the account's lines
above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from services.ledger.model import Account, account_of_row
from services.ledger.repository import journal
from shared.mongo import Document, ServiceDatabase, UnitOfWork, only_duplicates

FOR_EVER = 2**62


class _NotBehind(Exception):
    """Some row is as new as what was to replace it, or newer."""


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
    """Replace rows whole, where they are behind these.

    Raises :class:`shared.errors.Busy` where another client has some of them open in a transaction.
    """
    written = list(accounts)
    for start in range(0, len(written), journal.IN_MAX):
        some = written[start : start + journal.IN_MAX]
        try:
            database.unit_of_work(partial(_exchange, some))
        except _NotBehind:
            _replace_one_by_one(database, some)


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


def _exchange(accounts: Sequence[Account], work: UnitOfWork) -> None:
    """Put new rows in the place of old ones, all in one commit.

    Updates would cost the server a look-up each, and outside a transaction a synced commit each.
    """
    # Whatever a writer alone gathered changed after all that it wrote before.
    lowest = min(account.n for account in accounts)
    names = [account.id for account in accounts]
    behind = {"_id": {"$in": names}, "n": {"$lt": lowest}}
    work.db.accounts.delete_many(behind, session=work.session)
    try:
        work.db.accounts.insert_many([_row(one) for one in accounts], session=work.session)
    except BulkWriteError as error:
        only_duplicates(error)
        raise _NotBehind from error


def _replace_one_by_one(database: ServiceDatabase, accounts: Sequence[Account]) -> None:
    """Write all rows that are behind; a duplicate is one that is not: another was quicker."""
    writes = [
        ReplaceOne({"_id": account.id, "n": {"$lt": account.n}}, _row(account), upsert=True)
        for account in accounts
    ]
    try:
        database.db.accounts.bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        only_duplicates(error)


def _with_lines(database: ServiceDatabase, account: Account, *, upto: int) -> Account:
    for posting in journal.touching(database, account.id, after=account.n, upto=upto):
        account = account.after(n=posting.n, lines=posting.lines)
    return account
