"""What an order asks: its points set aside, then paid to the merchant or given back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.ledger.model.accounts import (
    MERCHANT,
    UNCLAIMED,
    VOLUNTEER,
    account_id,
    own_account,
)
from services.ledger.model.commands.command import AMOUNT_MAX, Command, flaw_of
from services.ledger.model.posting import Posting
from shared.errors import Refusal

CAPTURED = "captured"
RELEASED = "released"


class UnknownHold(Refusal):
    """A capture of a hold that was never placed: nothing is posted, asked again it is looked at."""

    title = "没有这笔预留 · No such hold"


@dataclass(frozen=True, kw_only=True)
class Hold(Command):
    """Set the points of an order aside."""

    order: str
    volunteer: str
    amount: int

    @property
    def fact(self) -> str:
        return hold_fact(self.order)

    @property
    def kind(self) -> str:
        return "hold"

    def content(self) -> Mapping[str, Any]:
        return {
            "kind": self.kind,
            "book": self.book,
            "order": self.order,
            "volunteer": self.volunteer,
            "amount": self.amount,
        }

    def ids(self) -> Iterable[str]:
        return (self.fact, end_fact(self.order), self.refusal)

    def accounts(self) -> Iterable[str]:
        return (account_id(book=self.book, kind=VOLUNTEER, holder=self.volunteer),)

    def persons(self) -> Iterable[str]:
        return (self.volunteer,)

    def flaw(self) -> str | None:
        if not 1 <= self.amount <= AMOUNT_MAX:
            return f"amount {self.amount}"
        return flaw_of(self, parts=(self.volunteer,))

    def unnameable(self) -> str | None:
        """Return why not even a refusal can be posted for it."""
        return flaw_of(self, parts=(self.book, self.order))


@dataclass(frozen=True, kw_only=True)
class _End(Command):
    order: str
    volunteer: str

    @property
    def fact(self) -> str:
        return end_fact(self.order)

    @property
    def kind(self) -> str:
        return "end"

    @property
    def verb(self) -> str:
        """Return how it would end the hold: ``captured`` or ``released``."""
        raise NotImplementedError

    def ids(self) -> Iterable[str]:
        return (self.fact, hold_fact(self.order))

    def accounts(self) -> Iterable[str]:
        return (
            account_id(book=self.book, kind=VOLUNTEER, holder=self.volunteer),
            own_account(book=self.book, kind=UNCLAIMED),
        )

    def persons(self) -> Iterable[str]:
        return (self.volunteer,)

    def same_as(self, standing: Posting) -> bool:
        # Capture against release: one of them won, and the other is answered with it.
        return ended_as(standing) != self.verb or Command.same_as(self, standing)


@dataclass(frozen=True, kw_only=True)
class Capture(_End):
    """Pay the merchant from what is held; the rest of the hold, if any, goes back."""

    merchant: str
    amount: int

    @property
    def verb(self) -> str:
        return CAPTURED

    def content(self) -> Mapping[str, Any]:
        return {
            "kind": "capture",
            "book": self.book,
            "order": self.order,
            "volunteer": self.volunteer,
            "merchant": self.merchant,
            "amount": self.amount,
        }

    def accounts(self) -> Iterable[str]:
        merchant = account_id(book=self.book, kind=MERCHANT, holder=self.merchant)
        return (*_End.accounts(self), merchant)

    def flaw(self) -> str | None:
        if not 1 <= self.amount <= AMOUNT_MAX:
            return f"amount {self.amount}"
        return flaw_of(self, parts=(self.book, self.order, self.volunteer, self.merchant))


@dataclass(frozen=True, kw_only=True)
class Release(_End):
    """Give back what is held."""

    @property
    def verb(self) -> str:
        return RELEASED

    def content(self) -> Mapping[str, Any]:
        return {
            "kind": "release",
            "book": self.book,
            "order": self.order,
            "volunteer": self.volunteer,
        }

    def flaw(self) -> str | None:
        return flaw_of(self, parts=(self.book, self.order, self.volunteer))


End = Capture | Release


def hold_fact(order: str) -> str:
    """Return the id of an order's hold."""
    return f"hold:{order}"


def end_fact(order: str) -> str:
    """Return the id of the end of an order's hold."""
    return f"end:{order}"


def ended_as(end: Posting) -> str:
    """Return how a hold ended: ``captured`` or ``released``."""
    return CAPTURED if end.about[CAPTURED] else RELEASED
