"""A book written by hand: postings with right balances and a whole chain, without the ledger."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

Document = dict[str, Any]
LOT = "2027-12"


class HandMadeBook:
    """Journal, account rows and the book's own row, as the ledger would have left them."""

    def __init__(self, code: str = "430211") -> None:
        self.code = code
        self.journal: list[Document] = []
        self._pots: dict[tuple[str, str], int] = defaultdict(int)
        self._cells: dict[tuple[str, str, str | None], int] = defaultdict(int)
        self._touched: dict[str, int] = {}
        rule = {"from": "2000-01-01", "step_minutes": 30, "step_hundredths": 50}
        about = {"name": "天元区", "zone": "Asia/Shanghai", "rules": [rule]}
        self.post(f"open:{code}", "open", about)

    def account(self, kind: str, holder: str = "main") -> str:
        return f"{self.code}:{kind}:{holder}"

    def earn(
        self, record: str, version: int, volunteer: str, *, earned: int, difference: int
    ) -> Document:
        moves = [
            (self.account("mint"), "available", None, -difference),
            (self.account("volunteer", volunteer), "available", LOT, difference),
        ]
        about = {"record": record, "version": version, "volunteer": volunteer, "earned": earned}
        return self.post(f"earn:{record}:{version}", "earn", about, moves if difference else [])

    def superseded(self, record: str, version: int, volunteer: str) -> Document:
        about = {"record": record, "version": version, "volunteer": volunteer, "earned": 0}
        return self.post(f"earn:{record}:{version}", "earn", about, refused="superseded")

    def hold(self, order: str, volunteer: str, amount: int) -> Document:
        account = self.account("volunteer", volunteer)
        moves = [(account, "available", LOT, -amount), (account, "held", LOT, amount)]
        return self.post(f"hold:{order}", "hold", {"order": order, "amount": amount}, moves)

    def refuse(self, order: str, amount: int) -> Document:
        fact = f"no:hold:{order}:{order}:1"
        about = {"order": order, "amount": amount}
        return self.post(fact, "hold", about, refused="insufficient-points")

    def capture(self, order: str, volunteer: str, merchant: str, amount: int) -> Document:
        moves = [
            (self.account("volunteer", volunteer), "held", LOT, -amount),
            (self.account("merchant", merchant), "available", None, amount),
        ]
        about = {"order": order, "captured": amount, "released": 0}
        return self.post(f"end:{order}", "end", about, moves)

    def release(self, order: str, volunteer: str, amount: int) -> Document:
        account = self.account("volunteer", volunteer)
        moves = [(account, "held", LOT, -amount), (account, "available", LOT, amount)]
        about = {"order": order, "captured": 0, "released": amount}
        return self.post(f"end:{order}", "end", about, moves if amount else [])

    def post(
        self,
        fact: str,
        kind: str,
        about: Document,
        moves: Sequence[tuple[str, str, str | None, int]] | None = None,
        *,
        refused: str | None = None,
    ) -> Document:
        """Append any posting, also one that no ledger would have made."""
        n = len(self.journal) + 1
        lines = [self._line(n, *move) for move in moves or []]
        posting: Document = {
            "_id": fact,
            "book": self.code,
            "n": n,
            "at": 1_800_000_000_000 + n,
            "format": 1,
            "kind": kind,
            "about": about,
            "lines": lines,
            "accounts": sorted({line["account"] for line in lines}),
            "cause": {"source": "test", "id": f"message-{n}", "digest": "0" * 64},
        }
        if refused is not None:
            posting["refused"] = refused
        self.journal.append(posting)
        self.seal()
        return posting

    def seal(self) -> None:
        """Chain all postings anew, as if they had been written the way that they stand."""
        prev = "0" * 64
        for posting in self.journal:
            posting.pop("hash", None)
            posting["prev"] = prev
            text = json.dumps(posting, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            prev = hashlib.sha256((prev + text).encode()).hexdigest()
            posting["hash"] = prev

    def rows(self) -> list[Document]:
        """Return the rows of ``accounts``, each true at its last posting."""
        rows: dict[str, Document] = {
            account: {"_id": account, "book": self.code, "n": n, "balances": {}}
            for account, n in self._touched.items()
        }
        for (account, bucket, lot), amount in self._cells.items():
            if amount:
                buckets = rows[account]["balances"].setdefault("point", {})
                buckets.setdefault(bucket, {})[lot or "-"] = amount
        return list(rows.values())

    def row(self, log: str) -> Document:
        """Return the row of ``books``."""
        totals: Document = {}
        for (account, bucket), amount in self._pots.items():
            buckets = totals.setdefault(account.split(":")[1], {}).setdefault("point", {})
            buckets[bucket] = buckets.get(bucket, 0) + amount
        n = len(self.journal)
        return {
            "_id": self.code,
            "name": "天元区",
            "zone": "Asia/Shanghai",
            "n": n,
            "totals": totals,
            "told": {"log": log, "n": n},
            "set_aside": None,
            "days": [],
            "last_day": None,
        }

    def _line(self, n: int, account: str, bucket: str, lot: str | None, amount: int) -> Document:
        self._pots[account, bucket] += amount
        self._cells[account, bucket, lot] += amount
        self._touched[account] = n
        return {
            "account": account,
            "bucket": bucket,
            "unit": "point",
            "lot": lot,
            "amount": amount,
            "balance": self._pots[account, bucket],
        }
