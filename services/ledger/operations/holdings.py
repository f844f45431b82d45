"""What somebody holds in a book: the balance and the statement of an account."""

from __future__ import annotations

from typing import Any

from services.ledger import repository
from services.ledger.model import Account, Posting, account_id
from services.ledger.model.accounts import (
    AVAILABLE,
    DEBT,
    HELD,
    HOLDERS,
    OWN,
    PENDING,
    POINT,
    VOLUNTEER,
)
from services.ledger.operations.books import see_book
from shared import clock
from shared.auth import Principal
from shared.errors import NotThere
from shared.mongo import ServiceDatabase

BUCKETS = (AVAILABLE, HELD, PENDING, DEBT)


def holds(database: ServiceDatabase, *, book: str, n: int) -> bool:
    """Tell whether a book's journal holds posting ``n``."""
    return repository.journal.at_number(database, book, n) is not None


def own_balance(database: ServiceDatabase, *, who: Principal, book: str) -> dict[str, Any]:
    """Return what a volunteer holds in a book; nothing, where nothing was ever posted to it."""
    account = _account(database, _own(who, book))
    if account.n == 0:
        _must_be_open(database, book)
    return _shown(book, account)


def balance(
    database: ServiceDatabase, *, who: Principal, book: str, kind: str, holder: str
) -> dict[str, Any]:
    """Return what any account of a district holds, to those who administer or audit it."""
    see_book(who, book)
    account = _account(database, _named(book, kind, holder))
    if account.n == 0:
        raise NotThere
    return _shown(book, account)


def own_statement(
    database: ServiceDatabase, *, who: Principal, book: str, before: int, limit: int
) -> list[dict[str, Any]]:
    """Return up to ``limit`` entries of a volunteer's own account, the newest first."""
    entries = _entries(database, _own(who, book), before=before, limit=limit)
    if not entries:
        _must_be_open(database, book)
    return entries


def statement(
    database: ServiceDatabase,
    *,
    who: Principal,
    book: str,
    kind: str,
    holder: str,
    before: int,
    limit: int,
) -> list[dict[str, Any]]:
    """Return up to ``limit`` entries of any account, to those who administer or audit it."""
    see_book(who, book)
    _must_be_open(database, book)
    return _entries(database, _named(book, kind, holder), before=before, limit=limit)


def _account(database: ServiceDatabase, name: str) -> Account:
    return repository.accounts.newest(database, name)


def _entries(
    database: ServiceDatabase, name: str, *, before: int, limit: int
) -> list[dict[str, Any]]:
    # From far above the newest line, windows would grow until one holds all the account's lines.
    highest = min(before, _account(database, name).n + 1)
    found = repository.journal.latest_touching(database, name, before=highest, limit=limit)
    return [_entry(posting, name) for posting in found]


def _entry(posting: Posting, name: str) -> dict[str, Any]:
    return {
        "n": posting.n,
        "fact": posting.id,
        "at": clock.from_ms(posting.at),
        "kind": posting.kind,
        "about": dict(posting.about),
        "lines": [
            {key: value for key, value in line.items() if key != "account"}
            for line in posting.lines
            if line["account"] == name
        ],
    }


def _shown(book: str, account: Account) -> dict[str, Any]:
    lots = {
        lot: {b: dict(account.lots(b)).get(lot, 0) for b in BUCKETS}
        for lot in sorted({lot for b in BUCKETS for lot, _ in account.lots(b) if lot})
    }
    return {
        "book": book,
        "account": account.id,
        "unit": POINT,
        **{bucket: account.total(bucket) for bucket in BUCKETS},
        "lots": [{"lot": lot, **buckets} for lot, buckets in lots.items()],
        "n": account.n,
    }


def _own(who: Principal, book: str) -> str:
    return account_id(book=book, kind=VOLUNTEER, holder=who.person_id)


def _named(book: str, kind: str, holder: str) -> str:
    if kind not in HOLDERS | OWN:
        raise NotThere
    return account_id(book=book, kind=kind, holder=holder)


def _must_be_open(database: ServiceDatabase, book: str) -> None:
    if repository.books.row_of(database, book) is None:
        raise NotThere
