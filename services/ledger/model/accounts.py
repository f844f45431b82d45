"""Accounts and their balances: per unit, bucket and lot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.ledger.model.checks import Unsound
from services.ledger.model.posting import Line

POINT = "point"
AVAILABLE = "available"
HELD = "held"
PENDING = "pending"
DEBT = "debt"

VOLUNTEER = "volunteer"
MERCHANT = "merchant"
HOLDERS = frozenset({VOLUNTEER, MERCHANT, "pool", "team"})
MINT = "mint"
UNCLAIMED = "unclaimed"
OWN = frozenset(
    {MINT, "expired", "clearing", "adjustment", UNCLAIMED, "settled", "guarantee", "opening"}
)
"""The book's own accounts: they have no floor, since the sum over all accounts is zero."""
_OWN_ID = "main"

NO_LOT = "-"
"""How a balance row names what has no lot."""

Key = tuple[str, str, str | None]
"""Unit, bucket, lot."""


def account_id(*, book: str, kind: str, holder: str) -> str:
    """Return ``<book>:<kind>:<id>``."""
    return f"{book}:{kind}:{holder}"


def own_account(*, book: str, kind: str) -> str:
    """Return one of the book's own accounts: ``<book>:mint:main``."""
    return account_id(book=book, kind=kind, holder=_OWN_ID)


def kind_of(account: str) -> str:
    """Return the kind of an account."""
    return account.split(":", 2)[1]


@dataclass(frozen=True, slots=True)
class Account:
    """The balances of an account, true at ``n``: the last posting that touched it."""

    id: str
    n: int = 0
    amounts: Mapping[Key, int] = field(default_factory=dict)

    def total(self, bucket: str, unit: str = POINT) -> int:
        """Return a bucket's balance over all lots."""
        return sum(
            amount for key, amount in self.amounts.items() if key[1] == bucket and key[0] == unit
        )

    def lots(self, bucket: str, unit: str = POINT) -> list[tuple[str | None, int]]:
        """Return what a bucket holds, lot by lot, the oldest first."""
        held = [
            (key[2], amount) for key, amount in self.amounts.items() if key[:2] == (unit, bucket)
        ]
        return sorted(held, key=_oldest_first)

    def after(self, *, n: int, lines: Iterable[Line]) -> Account:
        """Return the account after the lines of posting ``n`` that name it.

        Raises :class:`Unsound` where a line's balance is not what comes out, or a bucket ends on
        the wrong side of zero: then the journal is not one that this ledger wrote.
        """
        amounts = dict(self.amounts)
        touched = set()
        for line in lines:
            if line["account"] != self.id:
                continue
            key = (line["unit"], line["bucket"], line["lot"])
            amounts[key] = amounts.get(key, 0) + line["amount"]
            touched.add(key)
            total = sum(amount for other, amount in amounts.items() if other[:2] == key[:2])
            if total != line["balance"]:
                raise Unsound(n, f"{self.id} {line['bucket']} is {total}, not {line['balance']}")
        floor = kind_of(self.id) not in OWN
        for key in touched:
            if floor and _wrong_side(key[1], amounts[key]):
                raise Unsound(n, f"{self.id} {key[1]} {key[2]} ends at {amounts[key]}")
            if amounts[key] == 0:
                del amounts[key]
        return Account(self.id, n, amounts)

    def balances(self) -> dict[str, dict[str, dict[str, int]]]:
        """Return the balances as a row keeps them: unit → bucket → lot → amount."""
        nested: dict[str, dict[str, dict[str, int]]] = {}
        for (unit, bucket, lot), amount in self.amounts.items():
            nested.setdefault(unit, {}).setdefault(bucket, {})[lot or NO_LOT] = amount
        return nested


def account_of_row(row: Mapping[str, Any]) -> Account:
    """Return the account that a balance row holds."""
    return Account(row["_id"], row["n"], dict(_cells(row["balances"])))


def _cells(balances: Mapping[str, Any]) -> Iterator[tuple[Key, int]]:
    for unit, buckets in balances.items():
        for bucket, lots in buckets.items():
            for lot, amount in lots.items():
                yield (unit, bucket, None if lot == NO_LOT else lot), amount


def _wrong_side(bucket: str, amount: int) -> bool:
    return amount > 0 if bucket == DEBT else amount < 0


def _oldest_first(part: tuple[str | None, int]) -> str:
    return part[0] or ""
