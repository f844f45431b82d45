"""What the ledger can do beside posting what it hears: open a book, show it, verify it."""

from services.ledger.operations.books import (
    BookOpenOtherwise,
    book,
    books,
    open_book,
    put_back,
    see_book,
    trial_balance,
)
from services.ledger.operations.holdings import (
    balance,
    holds,
    own_balance,
    own_statement,
    statement,
)
from services.ledger.operations.postings import posting, postings
from services.ledger.operations.verifying import Verdict, verify

__all__ = [
    "BookOpenOtherwise",
    "Verdict",
    "balance",
    "book",
    "books",
    "holds",
    "open_book",
    "own_balance",
    "own_statement",
    "posting",
    "postings",
    "put_back",
    "see_book",
    "statement",
    "trial_balance",
    "verify",
]
