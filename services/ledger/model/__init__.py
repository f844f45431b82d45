"""The book: a state and a command give the next postings. Pure; no clock, no database.

What must hold is written where it is kept: ``posting.py`` the shape and the chain, ``accounts.py``
the balances, ``charter.py`` the district's rules and lots, ``commands.py`` what can be asked,
``moves.py`` the lines, ``earning.py`` corrections by difference, ``book.py`` the book at its head,
``deciding.py`` the decisions, ``checks.py`` what every reader of a journal checks again.
"""

from services.ledger.model.accounts import Account, account_id, account_of_row, own_account
from services.ledger.model.book import Book, genesis
from services.ledger.model.charter import Charter, EarnRule, charter_of, lot_of
from services.ledger.model.checks import Unsound, check_next
from services.ledger.model.commands import (
    Capture,
    Command,
    Earn,
    Hold,
    NotUnderstood,
    Open,
    Release,
    UnknownHold,
)
from services.ledger.model.deciding import Decision, decide
from services.ledger.model.posting import GENESIS_PREV, Line, Posting, canonical, chained

__all__ = [
    "GENESIS_PREV",
    "Account",
    "Book",
    "Capture",
    "Charter",
    "Command",
    "Decision",
    "Earn",
    "EarnRule",
    "Hold",
    "Line",
    "NotUnderstood",
    "Open",
    "Posting",
    "Release",
    "UnknownHold",
    "Unsound",
    "account_id",
    "account_of_row",
    "canonical",
    "chained",
    "charter_of",
    "check_next",
    "decide",
    "genesis",
    "lot_of",
    "own_account",
]
