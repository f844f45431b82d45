"""HTTP in: the ledger only answers. What moves value comes as events."""

from __future__ import annotations

from typing import Any

from services.ledger import operations
from services.ledger.schemas import (
    BalanceQuery,
    BalanceShown,
    BookPage,
    BookShown,
    PostingPage,
    PostingShown,
    PostingsQuery,
    StatementPage,
    StatementQuery,
    TrialBalanceShown,
)
from shared.auth import Role
from shared.errors import NotThere
from shared.web import (
    Blueprint,
    PageQuery,
    Waiter,
    also,
    etag,
    page,
    principal,
    requires,
    service_db,
    tagged,
)

AT_LEAST_WAIT_S = 2.0
RETRY_AFTER_S = 1
NEWEST = 2**62

books = Blueprint(
    "books",
    __name__,
    url_prefix="/v1",
    description="账本 · Books",
    examples={"book": "430211", "kind": "volunteer", "n": "1"},
)

BLUEPRINTS = (books,)


@books.get("/books")
@requires(Role.VOLUNTEER)
@books.arguments(PageQuery, location="query")
@books.response(200, BookPage)
def list_books(query: dict[str, Any]) -> dict[str, Any]:
    """List the books that are open."""
    limit = query["limit"]
    found = operations.books(service_db(), after=query["after"], limit=limit + 1)
    return page(found, limit, lambda row: str(row["book"]))


@books.get("/books/<book>")
@requires(Role.VOLUNTEER)
@books.response(200, BookShown)
def show_book(book: str) -> dict[str, Any]:
    """Show a book with its head and the hash that stands for all of it."""
    return operations.book(service_db(), book=book)


@books.get("/books/<book>/balances/me")
@requires(Role.VOLUNTEER)
@books.arguments(BalanceQuery, location="query")
@books.response(200, BalanceShown)
@also(202, "The journal does not hold the number yet; ask again after Retry-After.")
@tagged
def show_own_balance(query: dict[str, Any], book: str) -> Any:
    """Show what one holds in a book, and the number at which that is true."""
    holds = _wait_for(book, query["at_least"])
    shown = operations.own_balance(service_db(), who=principal(), book=book)
    return _balance(shown, query["at_least"], holds=holds)


@books.get("/books/<book>/accounts/<kind>/<holder>/balance")
@requires(Role.ADMIN, Role.AUDITOR)
@books.arguments(BalanceQuery, location="query")
@books.response(200, BalanceShown)
@also(202, "The journal does not hold the number yet; ask again after Retry-After.")
@tagged
def show_balance(query: dict[str, Any], book: str, kind: str, holder: str) -> Any:
    """Show what any account of one's district holds; the book's own are called ``main``."""
    who = principal()
    operations.see_book(who, book)
    holds = _wait_for(book, query["at_least"])
    shown = operations.balance(service_db(), who=who, book=book, kind=kind, holder=holder)
    return _balance(shown, query["at_least"], holds=holds)


@books.get("/books/<book>/statements/me")
@requires(Role.VOLUNTEER)
@books.arguments(StatementQuery, location="query")
@books.response(200, StatementPage)
def show_own_statement(query: dict[str, Any], book: str) -> dict[str, Any]:
    """List what moved in one's account, the newest first; ``next`` is for ``before``."""
    limit, before = query["limit"], query["before"] or NEWEST
    entries = operations.own_statement(
        service_db(), who=principal(), book=book, before=before, limit=limit + 1
    )
    return page(entries, limit, _number)


@books.get("/books/<book>/accounts/<kind>/<holder>/statement")
@requires(Role.ADMIN, Role.AUDITOR)
@books.arguments(StatementQuery, location="query")
@books.response(200, StatementPage)
def show_statement(query: dict[str, Any], book: str, kind: str, holder: str) -> dict[str, Any]:
    """List what moved in any account of one's district, the newest first."""
    limit, before = query["limit"], query["before"] or NEWEST
    entries = operations.statement(
        service_db(),
        who=principal(),
        book=book,
        kind=kind,
        holder=holder,
        before=before,
        limit=limit + 1,
    )
    return page(entries, limit, _number)


@books.get("/books/<book>/postings")
@requires(Role.ADMIN, Role.AUDITOR)
@books.arguments(PostingsQuery, location="query")
@books.response(200, PostingPage)
def list_postings(query: dict[str, Any], book: str) -> dict[str, Any]:
    """List the postings above a number, in order; ``next`` is for ``after``."""
    limit = query["limit"]
    found = operations.postings(
        service_db(), who=principal(), book=book, after=query["after"], limit=limit + 1
    )
    return page(found, limit, _number)


@books.get("/books/<book>/postings/<n>")
@requires(Role.ADMIN, Role.AUDITOR)
@books.response(200, PostingShown)
def show_posting(book: str, n: str) -> dict[str, Any]:
    """Show one posting as it stands."""
    if not n.isascii() or not n.isdigit() or len(n) > 15:
        raise NotThere
    return operations.posting(service_db(), who=principal(), book=book, n=int(n))


@books.get("/books/<book>/trial-balance")
@requires(Role.ADMIN, Role.AUDITOR)
@books.response(200, TrialBalanceShown)
def show_trial_balance(book: str) -> dict[str, Any]:
    """Show that a book adds up: the sums of all accounts, by kind, unit and bucket."""
    return operations.trial_balance(service_db(), who=principal(), book=book)


def _wait_for(book: str, at_least: int | None) -> bool:
    """Wait until the journal holds a number; False where it does not in time."""
    if at_least is None or operations.holds(service_db(), book=book, n=at_least):
        return True
    waiter = Waiter(service_db, "books", done=lambda row: int(row["n"]) >= at_least)
    waiter.wait(book, AT_LEAST_WAIT_S)
    return operations.holds(service_db(), book=book, n=at_least)


def _balance(shown: dict[str, Any], at_least: int | None, *, holds: bool) -> Any:
    if not holds:
        return shown, 202, {"Retry-After": str(RETRY_AFTER_S)}
    # Nothing touched the account between its newest line and a number that the journal holds.
    shown["n"] = max(shown["n"], at_least or 0)
    etag(shown["n"])
    return shown


def _number(row: dict[str, Any]) -> str:
    return str(row["n"])
