"""The book at its head: what a decision needs to see, and how the next posting is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.ledger.model.accounts import Account
from services.ledger.model.charter import Charter
from services.ledger.model.commands import Command, NotUnderstood, Open
from services.ledger.model.posting import FORMAT, GENESIS_PREV, Line, Posting, sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A book at its head, with the accounts, facts and statuses that the next commands need.

    ``accounts`` are true at the head. ``facts`` are postings that were looked up; what a command
    names in ``ids`` and is not among them does not stand. Who has no status is active.
    """

    charter: Charter
    n: int
    at: int
    hash: str
    accounts: Mapping[str, Account] = field(default_factory=dict)
    facts: Mapping[str, Posting] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)

    def account(self, name: str) -> Account:
        """Return an account; a new one where nothing was ever posted to it."""
        return self.accounts.get(name) or Account(name)

    def next(
        self,
        command: Command,
        *,
        fact: str,
        at: int,
        about: Mapping[str, Any],
        lines: Sequence[Line] = (),
        refused: str | None = None,
    ) -> Posting:
        """Return the posting that would follow; the book stays as it is."""
        return _posting(
            command,
            fact=fact,
            n=self.n + 1,
            at=self.time(at),
            prev=self.hash,
            about=about,
            lines=lines,
            refused=refused,
        )

    def time(self, at: int) -> int:
        """Return when a posting is made: time never runs backwards in a book."""
        return max(at, self.at)

    def after(self, posting: Posting) -> Book:
        """Return the book with one posting more; raises ``Unsound`` for lines that cannot be."""
        changed = {
            name: self.account(name).after(n=posting.n, lines=posting.lines)
            for name in posting.accounts
        }
        # Not dataclasses.replace: this is the hottest line of the ledger, and that is slow.
        return Book(
            charter=self.charter,
            n=posting.n,
            at=posting.at,
            hash=posting.hash,
            accounts={**self.accounts, **changed} if changed else self.accounts,
            facts={**self.facts, posting.id: posting},
            statuses=self.statuses,
        )


def genesis(command: Open, *, at: int) -> Posting:
    """Return the posting that opens a book; raises :class:`NotUnderstood`."""
    if flaw := command.flaw():
        raise NotUnderstood(flaw)
    about = command.charter.about()
    return _posting(command, fact=command.fact, n=1, at=at, prev=GENESIS_PREV, about=about)


def _posting(
    command: Command,
    *,
    fact: str,
    n: int,
    at: int,
    prev: str,
    about: Mapping[str, Any],
    lines: Sequence[Line] = (),
    refused: str | None = None,
) -> Posting:
    document: dict[str, Any] = {
        "_id": fact,
        "book": command.book,
        "n": n,
        "at": at,
        "format": FORMAT,
        "kind": command.kind,
        "about": dict(about),
        "lines": list(lines),
        "accounts": sorted({line["account"] for line in lines}),
        "cause": command.cause(),
        "prev": prev,
    }
    if refused is not None:
        document["refused"] = refused
    return sealed(document)
