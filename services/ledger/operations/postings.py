"""Postings as they stand, so that anyone who may see them can hash them again."""

from __future__ import annotations

from typing import Any

from services.ledger import repository
from services.ledger.operations.books import see_book
from shared.auth import Principal
from shared.errors import NotThere
from shared.mongo import ServiceDatabase


def posting(database: ServiceDatabase, *, who: Principal, book: str, n: int) -> dict[str, Any]:
    """Return posting ``n`` of a book, to those who administer or audit it."""
    see_book(who, book)
    found = repository.journal.at_number(database, book, n)
    if found is None:
        raise NotThere
    return dict(found.document)


def postings(
    database: ServiceDatabase, *, who: Principal, book: str, after: int, limit: int
) -> list[dict[str, Any]]:
    """Return up to ``limit`` postings above a number, in order, up to the head."""
    see_book(who, book)
    if repository.books.row_of(database, book) is None:
        raise NotThere
    found = repository.journal.window(database, book, after=after, upto=after + limit)
    return [dict(one.document) for one in repository.journal.unbroken(found, after=after)]
