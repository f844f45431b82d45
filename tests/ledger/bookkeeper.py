"""A book kept in memory by the pure functions alone: what the real writer must agree with."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from services.ledger.model import (
    Book,
    Capture,
    Charter,
    Command,
    Decision,
    Earn,
    EarnRule,
    Hold,
    Open,
    Posting,
    Release,
    account_id,
    check_next,
    decide,
    genesis,
)

BOOK = "430211"
ZONE = "Asia/Shanghai"
SPRING = 1_773_360_000_000
"""13 March 2026, 08:00 in the district."""
DAY = 86_400_000
YEAR = 365 * DAY


def charter(*rules: EarnRule, book: str = BOOK) -> Charter:
    return Charter(book=book, name="天元区 Tianyuan", zone=ZONE, rules=rules or (EarnRule(),))


def opening(*rules: EarnRule, book: str = BOOK) -> Open:
    laid_down = charter(*rules, book=book)
    return Open(book=book, id=f"open:{book}", source="ledger", charter=laid_down)


def earn(
    record: str = "record-1",
    version: int = 1,
    *,
    minutes: int = 60,
    volunteer: str = "ada",
    **other: Any,
) -> Earn:
    return Earn(
        **{
            "book": BOOK,
            "id": f"{record}:{version}",
            "source": "activities",
            "record": record,
            "version": version,
            "volunteer": volunteer,
            "credit": "credit",
            "minutes": minutes,
            "served_at": SPRING,
            **other,
        }
    )


def hold(
    order: str = "order-1", *, amount: int = 100, volunteer: str = "ada", **other: Any
) -> Hold:
    return Hold(
        **{
            "book": BOOK,
            "id": f"{order}:1",
            "source": "store",
            "order": order,
            "volunteer": volunteer,
            "amount": amount,
            **other,
        }
    )


def capture(
    order: str = "order-1", *, amount: int = 100, volunteer: str = "ada", **other: Any
) -> Capture:
    return Capture(
        **{
            "book": BOOK,
            "id": f"{order}:2",
            "source": "store",
            "order": order,
            "volunteer": volunteer,
            "merchant": "shop",
            "amount": amount,
            **other,
        }
    )


def release(order: str = "order-1", *, volunteer: str = "ada", **other: Any) -> Release:
    return Release(
        **{
            "book": BOOK,
            "id": f"{order}:3",
            "source": "store",
            "order": order,
            "volunteer": volunteer,
            **other,
        }
    )


class Bookkeeper:
    """Posts commands to a book that it holds in memory, whole."""

    def __init__(self, *rules: EarnRule) -> None:
        command = opening(*rules)
        first = genesis(command, at=SPRING)
        blank = Book(charter=command.charter, n=0, at=0, hash=first.document["prev"])
        self.book = blank.after(first)
        self.journal: list[Posting] = [first]
        self.now = SPRING
        self.statuses: dict[str, str] = {}

    def post(self, command: Command) -> Posting:
        """Return the posting that answers; what it adds is in the journal now."""
        return self.decide(command).answer

    def decide(self, command: Command) -> Decision:
        decision = decide(
            Book(
                charter=self.book.charter,
                n=self.book.n,
                at=self.book.at,
                hash=self.book.hash,
                accounts=self.book.accounts,
                facts=self.book.facts,
                statuses=self.statuses,
            ),
            command,
            at=self.now,
        )
        self.book = decision.book
        self.journal += decision.posted
        return decision

    def balance(self, holder: str, bucket: str = "available", kind: str = "volunteer") -> int:
        return self.book.account(account_id(book=BOOK, kind=kind, holder=holder)).total(bucket)

    def lots(self, holder: str, bucket: str = "available") -> dict[str | None, int]:
        account = self.book.account(account_id(book=BOOK, kind="volunteer", holder=holder))
        return dict(account.lots(bucket))

    def check(self) -> None:
        """Assert all that must hold of any book, from the journal alone."""
        n, at, prev = 0, 0, "0" * 64
        cells: dict[tuple[str, str, str, str | None], int] = defaultdict(int)
        for posting in self.journal:
            check_next(posting, n=n, at=at, prev=prev)
            n, at, prev = posting.n, posting.at, posting.hash
            for line in posting.lines:
                key = (line["account"], line["unit"], line["bucket"], line["lot"])
                cells[key] += line["amount"]
                held = [v for k, v in cells.items() if k[:3] == key[:3]]
                assert sum(held) == line["balance"]
                if ":volunteer:" in line["account"]:
                    assert line["lot"] is not None
                else:
                    assert line["lot"] is None
            self._check_sides(cells)
        assert len({posting.id for posting in self.journal}) == len(self.journal)
        assert sum(cells.values()) == 0

    @staticmethod
    def _check_sides(cells: dict[tuple[str, str, str, str | None], int]) -> None:
        for (account, _, bucket, _), amount in cells.items():
            if ":main" not in account:
                assert amount <= 0 if bucket == "debt" else amount >= 0, (account, bucket)
