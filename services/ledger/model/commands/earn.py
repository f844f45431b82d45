"""Banking a version of a service record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.ledger.model.accounts import (
    MINT,
    UNCLAIMED,
    VOLUNTEER,
    account_id,
    own_account,
)
from services.ledger.model.commands.command import Command, flaw_of
from services.ledger.model.posting import SUPERSEDED, Posting

MINUTES_MAX = 10**6
VERSION_MAX = 50
_SERVED_AT = range(253_402_214_400_000)
"""Until the end of the year 9999."""

CREDIT = "credit"
HONORARY = "honorary"


@dataclass(frozen=True, kw_only=True)
class Earn(Command):
    """Bank a version of a service record: the volunteer has earned what this version is worth."""

    record: str
    version: int
    volunteer: str
    credit: str
    minutes: int
    served_at: int

    @property
    def fact(self) -> str:
        return earn_fact(self.record, self.version)

    @property
    def kind(self) -> str:
        return "earn"

    def content(self) -> Mapping[str, Any]:
        return {
            "kind": self.kind,
            "book": self.book,
            "record": self.record,
            "version": self.version,
            "volunteer": self.volunteer,
            "credit": self.credit,
            "minutes": self.minutes,
            "served_at": self.served_at,
        }

    def ids(self) -> Iterable[str]:
        if not 1 <= self.version <= VERSION_MAX:
            return ()
        return [earn_fact(self.record, version) for version in range(1, self.version + 1)]

    def accounts(self) -> Iterable[str]:
        return (
            account_id(book=self.book, kind=VOLUNTEER, holder=self.volunteer),
            own_account(book=self.book, kind=MINT),
            own_account(book=self.book, kind=UNCLAIMED),
        )

    def persons(self) -> Iterable[str]:
        return (self.volunteer,)

    def flaw(self) -> str | None:
        if not 1 <= self.version <= VERSION_MAX:
            return f"version {self.version}"
        if self.credit not in (CREDIT, HONORARY):
            return f"kind {self.credit[:40]!r}"
        if not 0 <= self.minutes <= MINUTES_MAX:
            return f"{self.minutes} minutes"
        if self.served_at not in _SERVED_AT:
            return "served at no time of ours"
        return flaw_of(self, parts=(self.book, self.record, self.volunteer))

    def same_as(self, standing: Posting) -> bool:
        # A place that was kept for a late version answers it whatever it says.
        return standing.refused == SUPERSEDED or Command.same_as(self, standing)


def earn_fact(record: str, version: int) -> str:
    """Return the id of a version's posting."""
    return f"earn:{record}:{version}"
