"""The lines of one posting, written one after the other, each with the balance after it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from services.ledger.model.accounts import AVAILABLE, DEBT, HELD, POINT, Account, Key
from services.ledger.model.posting import Line

Parts = Sequence[tuple[str | None, int]]
"""Amounts by lot, the oldest first."""


class Moves:
    """Builds the lines of one posting upon the accounts as they stand before it."""

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self.lines: list[Line] = []
        self._accounts = accounts
        self._changes: dict[tuple[str, Key], int] = {}

    def lots(self, account: str, bucket: str) -> Parts:
        """Return what a bucket holds after the lines so far, the oldest lot first."""
        before = self._accounts.get(account)
        amounts = dict(before.amounts) if before else {}
        for (of, key), change in self._changes.items():
            if of == account:
                amounts[key] = amounts.get(key, 0) + change
        return Account(account, amounts=amounts).lots(bucket)

    def move(self, account: str, bucket: str, lot: str | None, amount: int) -> None:
        """Write one line; nothing for an amount of zero."""
        if amount == 0:
            return
        before = self._accounts.get(account)
        balance = before.total(bucket) if before else 0
        key = (POINT, bucket, lot)
        self._changes[account, key] = self._changes.get((account, key), 0) + amount
        balance += sum(
            change
            for (of, other), change in self._changes.items()
            if of == account and other[1] == bucket
        )
        self.lines.append(
            {
                "account": account,
                "bucket": bucket,
                "unit": POINT,
                "lot": lot,
                "amount": amount,
                "balance": balance,
            }
        )

    def spend(self, account: str, bucket: str, amount: int) -> Parts:
        """Take up to ``amount`` from a bucket, the oldest lot first; return what each lot gave."""
        return self.take(account, bucket, oldest(self.lots(account, bucket), amount))

    def take(self, account: str, bucket: str, parts: Parts) -> Parts:
        """Take exactly these parts from a bucket."""
        for lot, amount in parts:
            self.move(account, bucket, lot, -amount)
        return parts

    def put(self, account: str, bucket: str, parts: Parts) -> None:
        """Give exactly these parts to a bucket."""
        for lot, amount in parts:
            self.move(account, bucket, lot, amount)

    def receive(self, account: str, parts: Parts) -> None:
        """Let parts enter ``available``: whatever enters repays debt first."""
        owed = self.lots(account, DEBT)
        repaid = 0
        for lot, debt in owed:
            part = min(-debt, total(parts) - repaid)
            self.move(account, DEBT, lot, part)
            repaid += part
        self.put(account, AVAILABLE, after(parts, repaid))

    def set_aside(self, account: str, amount: int) -> None:
        """Move available points to held; they keep their lots."""
        self.put(account, HELD, self.spend(account, AVAILABLE, amount))


def total(parts: Iterable[tuple[str | None, int]]) -> int:
    """Return the sum of all parts."""
    return sum(amount for _, amount in parts)


def oldest(parts: Parts, amount: int) -> Parts:
    """Return the oldest parts, up to an amount; less where there is not so much."""
    taken = []
    for lot, part in parts:
        piece = min(part, amount)
        if piece > 0:
            taken.append((lot, piece))
            amount -= piece
    return taken


def after(parts: Parts, amount: int) -> Parts:
    """Return what is left of parts when their oldest, up to an amount, are gone."""
    left = []
    for lot, part in parts:
        gone = min(part, amount)
        amount -= gone
        if part > gone:
            left.append((lot, part - gone))
    return left
