"""Invariants 5 and 6: each hold is an order's and ends once; each voucher is used and paid once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from deploy.audit.report import Invariant
from deploy.audit.sources import Document, Sources

HELD = "held"
AVAILABLE = "available"
OPEN_STATES = ("CONFIRMED", "USED", "CANCELLING")
USED_STATES = ("USED", "CAPTURED")
GIVEN_UP = ("CANCELLED", "REFUSED")
HOLD, END, REFUSED_HOLD = "hold", "end", "no:hold:"
POSTED_OTHERWISE = "posted-otherwise"


@dataclass(slots=True)
class Kept:
    """What the journal says of one order."""

    book: str
    volunteer: str = ""
    held: int = 0
    holds: int = 0
    ends: int = 0
    left: int = 0
    """What is still held of it: 0 once it has ended."""
    captured: int = 0
    merchant: str = ""
    end_n: int = 0
    refused: bool = False

    @property
    def over(self) -> bool:
        """Tell whether nothing is held nor was paid, and the ledger has said so."""
        return self.refused if not self.ends else not self.captured and not self.left


class Holds:
    """Watches the journals for holds and their ends, then asks the orders."""

    def __init__(self, holds: Invariant, vouchers: Invariant) -> None:
        self._holds, self._vouchers = holds, vouchers
        self.orders: dict[str, Kept] = {}
        self._held_by: dict[str, int] = defaultdict(int)
        """What each account holds by all lines on its ``held``, whatever they say they are for."""

    def see(self, book: str, posting: Document) -> None:
        """Take note of a hold or an end; of ``held`` moved by anything else."""
        fact = str(posting["_id"])
        kind, _, order = fact.partition(":")
        held = 0
        for line in posting.get("lines", []):
            if line["bucket"] == HELD:
                held += line["amount"]
                self._held_by[line["account"]] += line["amount"]
        if kind == HOLD:
            self._see_hold(book, order, posting, held)
        elif kind == END:
            self._see_end(book, order, posting, held)
        elif fact.startswith(REFUSED_HOLD) and posting.get("refused") != POSTED_OTHERWISE:
            order = fact.split(":")[2]
            self.orders.setdefault(order, Kept(book)).refused = True
        elif held:
            self._holds.found(f"{fact} ({book} n={posting['n']}): moves {held} held points")

    def _see_hold(self, book: str, order: str, posting: Document, held: int) -> None:
        kept = self.orders.setdefault(order, Kept(book))
        kept.holds += 1
        kept.held += held
        kept.left += held
        accounts = {line["account"] for line in posting.get("lines", [])}
        kept.volunteer = ",".join(sorted(accounts))
        self._holds.expect(
            held == posting["about"].get("amount") and len(accounts) == 1,
            f"{posting['_id']}: sets {held} aside of {posting['about'].get('amount')}",
        )
        if kept.ends:
            self._holds.found(f"{posting['_id']}: after its end")

    def _see_end(self, book: str, order: str, posting: Document, held: int) -> None:
        kept = self.orders.setdefault(order, Kept(book))
        kept.ends += 1
        kept.left += held
        kept.end_n = posting["n"]
        about = posting["about"]
        paid: dict[str, int] = defaultdict(int)
        for line in posting.get("lines", []):
            if line["account"].split(":", 2)[1] == "merchant":
                paid[line["account"]] += line["amount"]
        kept.captured += sum(paid.values())
        kept.merchant = ",".join(sorted(paid))
        self._holds.differences(
            str(posting["_id"]),
            (
                ("its book", book, kept.book),
                ("ends of its hold", kept.ends, 1),
                ("taken from held", -held, kept.held),
                ("captured and released", about["captured"] + about["released"], kept.held),
                ("paid to merchants", sum(paid.values()), about["captured"]),
            ),
        )

    def check(self, sources: Sources) -> None:
        """Hold every order and every settlement line against what the journal says of it."""
        fields = ("district", "merchant_id", "volunteer_id", "amount", "state", "used_at")
        left = dict(self.orders)
        open_by: dict[str, int] = defaultdict(int)
        used: dict[str, int] = defaultdict(int)
        codes: set[str] = set()
        for order in sources.scan("store", "orders", (*fields, "code_hash")):
            order_id = str(order["_id"])
            kept = left.pop(order_id, Kept(order["district"]))
            self._check_hold(order_id, order, kept)
            self._check_voucher(order_id, order, kept)
            if kept.left:
                open_by[_volunteer_of(order)] += order["amount"]
            if order["state"] in USED_STATES:
                used[_merchant_of(order)] += order["amount"]
            if order["code_hash"] in codes:
                self._vouchers.found(f"order {order_id}: shares its voucher's code with another")
            codes.add(order["code_hash"])
        for order_id, kept in left.items():
            self._holds.expect(False, f"order {order_id}: in the journal of {kept.book}, not there")
        self._check_accounts(open_by)
        self._check_merchants(sources, used)
        self._check_uses(sources)

    def _check_hold(self, order_id: str, order: Document, kept: Kept) -> None:
        open_order, open_hold = order["state"] in OPEN_STATES, kept.left != 0
        if order["state"] == "CANCELLING" and not open_hold:
            open_order = False  # cancelled before anything was held
        self._holds.expect(
            open_order == open_hold,
            f"order {order_id} is {order['state']} and {kept.left} are held for it",
        )
        if order["state"] in GIVEN_UP:
            self._holds.expect(
                kept.over, f"order {order_id} is {order['state']}, the ledger says nothing of it"
            )
        if kept.holds:
            self._holds.differences(
                f"hold of order {order_id}",
                (
                    ("amount", kept.held, order["amount"]),
                    ("book", kept.book, order["district"]),
                    ("account", kept.volunteer, _volunteer_of(order)),
                ),
            )

    def _check_voucher(self, order_id: str, order: Document, kept: Kept) -> None:
        used = order["state"] in USED_STATES
        if used or order.get("used_at") is not None or kept.captured:
            self._vouchers.differences(
                f"order {order_id} in {order['state']}",
                (
                    ("used", used, True),
                    ("has a time of use", order.get("used_at") is not None, True),
                    ("captured", kept.captured, order["amount"]),
                    ("captures", kept.ends, 1),
                    ("paid to", kept.merchant, _merchant_of(order)),
                ),
            )

    def _check_accounts(self, open_by: dict[str, int]) -> None:
        for account in self._held_by.keys() | open_by.keys():
            held, ought = self._held_by.get(account, 0), open_by.get(account, 0)
            self._holds.expect(
                held == ought, f"{account} holds {held}, its open orders come to {ought}"
            )

    def _check_merchants(self, sources: Sources, used: dict[str, int]) -> None:
        paid: dict[str, int] = defaultdict(int)
        for kept in self.orders.values():
            if kept.captured:
                paid[kept.merchant] += kept.captured
        lines: dict[str, int] = defaultdict(int)
        fields = ("merchant_id", "district", "amount")
        for line in sources.scan("store", "settlement_lines", fields):
            lines[_merchant_of(line)] += line["amount"]
        for merchant in paid.keys() | used.keys() | lines.keys():
            self._vouchers.differences(
                merchant,
                (
                    ("paid by the ledger", paid.get(merchant, 0), used.get(merchant, 0)),
                    ("on its settlement lines", lines.get(merchant, 0), used.get(merchant, 0)),
                ),
            )

    def _check_uses(self, sources: Sources) -> None:
        """Count how often the store told that a voucher was used."""
        told: dict[str, int] = defaultdict(int)
        where = {"type": "VoucherUsed"}
        for row in sources.scan("store", "outbox", ("aggregate", "type"), where):
            told[row["aggregate"]] += 1
        for order_id, times in told.items():
            self._vouchers.expect(times == 1, f"order {order_id}: told as used {times} times")
            if order_id not in self.orders or not self.orders[order_id].captured:
                self._vouchers.found(f"order {order_id}: told as used and never captured")


def _volunteer_of(order: Document) -> str:
    return f"{order['district']}:volunteer:{order['volunteer_id']}"


def _merchant_of(order: Document) -> str:
    return f"{order['district']}:merchant:{order['merchant_id']}"
