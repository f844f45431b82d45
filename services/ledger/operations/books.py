"""Books: opened once, shown with their heads, taken back after an operator has looked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.ledger import repository
from services.ledger.heads import BookNotOpen, Head, open_head
from services.ledger.model import Charter, EarnRule, Open, Posting
from services.ledger.writer import Writer
from shared import clock
from shared.auth import Principal, Role
from shared.errors import NotThere, Refusal
from shared.mongo import ServiceDatabase


class BookOpenOtherwise(Refusal):
    """The book was opened with another name, zone or rules; its first posting never changes."""

    title = "账本已按其他规则开立 · The book was opened otherwise"


def open_book(
    database: ServiceDatabase,
    *,
    book: str,
    name: str,
    zone: str,
    now: datetime,
    rules: Sequence[EarnRule] = (EarnRule(),),
) -> Posting:
    """Open a district's book; the same again returns the posting that stands.

    Refuses with :class:`BookOpenOtherwise` where it is open with other words.
    """
    repository.prepare(database)
    charter = Charter(book=book, name=name, zone=zone, rules=tuple(rules))
    command = Open(book=book, id=f"open:{book}", source="ledger", charter=charter)
    standing = Writer(database).open(command, now=now)
    if not command.same_as(standing):
        raise BookOpenOtherwise(f"{book}: {dict(standing.about)}")
    return standing


def books(database: ServiceDatabase, *, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Return up to ``limit`` books that are open, by their code."""
    return repository.books.page(database, after=after, limit=limit)


def book(database: ServiceDatabase, *, book: str) -> dict[str, Any]:
    """Return a book as it is now; refuses with NotThere."""
    head = _head(database, book)
    row = repository.books.row_of(database, book)
    about = head.charter.about()
    return {
        "book": book,
        "name": about["name"],
        "zone": about["zone"],
        "rules": about["rules"],
        "head": head.n,
        "at": clock.from_ms(head.at),
        "hash": head.hash,
        "set_aside": row is not None and row.set_aside is not None,
    }


def trial_balance(database: ServiceDatabase, *, who: Principal, book: str) -> dict[str, Any]:
    """Return the sums of all accounts by kind, unit and bucket, and that they come to nothing."""
    see_book(who, book)
    head = _head(database, book)
    sums: list[dict[str, Any]] = [
        {"kind": kind, "unit": unit, "bucket": bucket, "amount": amount}
        for kind, units in sorted(head.totals.items())
        for unit, buckets in sorted(units.items())
        for bucket, amount in sorted(buckets.items())
    ]
    units = sorted({row["unit"] for row in sums})
    totals = [
        {"unit": unit, "amount": sum(row["amount"] for row in sums if row["unit"] == unit)}
        for unit in units
    ]
    return {
        "book": book,
        "n": head.n,
        "at": clock.from_ms(head.at),
        "sums": sums,
        "totals": totals,
        "adds_up": not any(row["amount"] for row in totals),
    }


def put_back(database: ServiceDatabase, *, book: str) -> None:
    """Let writers go on with a book that was set aside; whoever calls has verified it."""
    repository.books.put_back(database, book)


def see_book(who: Principal, book: str) -> None:
    """Refuse with NotThere whoever neither administers nor audits the district."""
    if not (who.may(Role.ADMIN, book) or who.may(Role.AUDITOR, book)):
        raise NotThere


def _head(database: ServiceDatabase, book: str) -> Head:
    try:
        return open_head(database, book)
    except BookNotOpen:
        raise NotThere from None
