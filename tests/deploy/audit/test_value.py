"""Invariants 4 to 6: what is earned, what is held, what is paid."""

from __future__ import annotations

import pytest

from tests.deploy.audit.breaking import (
    ADA,
    EARNED,
    FOLDS,
    HOLDS,
    LEFT,
    MINT,
    ONCE,
    TOLD,
    VOUCHERS,
    Audited,
    Break,
    Row,
    answer,
    assert_named,
    both,
    broken,
    broken_town,
    change,
    post,
    posting,
    tell,
)
from tests.deploy.audit.hand_made_book import LOT
from tests.deploy.audit.hand_made_town import DISTRICT, NOW, Town

pytestmark = pytest.mark.servers

GIFT = (ADA, "available", LOT, 700)


def confirmed_unposted(made: Town) -> None:
    values = {
        "volunteer_id": "bob",
        "district": DISTRICT,
        "kind": "credit",
        "served_at": NOW,
        "version": 1,
        "minutes": 0,
    }
    made.add("activities", "records", id="r4", sign_up_id="x", state="BANKED", posted_n=1, **values)
    made.add("volunteers", "minutes", id="r4", **values)
    made.tell("activities", "ServiceConfirmed", "r4", 1)
    said = {"record_id": "r4", "version": 1, "history": []}
    made.answer("activities", "organiser", "r4-1", 202, said)


BROKEN: list[Row] = [
    (
        "a record that earned more than its minutes",
        both(
            change("activities", "records", "r2", minutes=29),
            change("volunteers", "minutes", "r2", minutes=29),
            change("volunteers", "tallies", "ada", credit_minutes=94),
        ),
        {EARNED},
        "record r2 version 1",
    ),
    (
        "an earning of no record",
        lambda made: made.book.earn("r9", 1, "ada", earned=50, difference=50),
        {EARNED},
        "record r9: earned 50",
    ),
    (
        "value minted without a record",
        post("gift:1", (MINT, "available", None, -700), GIFT),
        {EARNED},
        "the mint gave 700",
    ),
    (
        "an honorary record that earned",
        both(
            change("activities", "records", "r2", kind="honorary"),
            change("volunteers", "minutes", "r2", kind="honorary"),
            change("volunteers", "tallies", "ada", credit_minutes=65, honorary_minutes=95),
        ),
        {EARNED},
        "ought 0",
    ),
    (
        "a record that is confirmed and not posted",
        confirmed_unposted,
        {EARNED, TOLD},
        "never posted",
    ),
    (
        "a hold that no order asked for",
        lambda made: made.book.hold("o9", "ada", 50),
        {HOLDS},
        "order o9",
    ),
    (
        "an order confirmed whose hold was released",
        lambda made: made.book.release("o2", "ada", 50),
        {HOLDS},
        "order o2 is CONFIRMED and 0 are held",
    ),
    (
        "a hold of another amount than the order's",
        change("store", "orders", "o2", amount=49),
        {HOLDS},
        "hold of order o2",
    ),
    (
        "an order refused of which the ledger knows nothing",
        lambda made: posting(made, "no:hold:o4:o4:1").update(refused="posted-otherwise"),
        {HOLDS, FOLDS, TOLD},
        "order o4 is REFUSED, the ledger says nothing",
    ),
    (
        "held points that something else moved",
        post("odd", (ADA, "held", LOT, -10), (ADA, "available", LOT, 10)),
        {HOLDS},
        "moves -10 held",
    ),
    (
        "an order used and never captured",
        both(
            change("store", "orders", "o2", state="USED", used_at=NOW, used_by="staff"),
            change("store", "items", "i1", reserved=0, gone=2),
            answer("store", "staff", "use-o2", order_id="o2", state="USED"),
        ),
        {VOUCHERS, LEFT},
        "order o2 in USED",
    ),
    (
        "a captured order that was never used",
        change("store", "orders", "o1", used_at=None),
        {VOUCHERS, ONCE},
        "has a time of use",
    ),
    (
        "a voucher told as used twice",
        both(
            tell("store", "VoucherUsed", "o1", 3, order_id="o1"),
            change("store", "orders", "o1", version=3),
        ),
        {VOUCHERS},
        "used 2 times",
    ),
    (
        "a merchant with less on its lines than it was paid",
        change("store", "settlement_lines", "o1", amount=40),
        {VOUCHERS, TOLD},
        "on its settlement lines",
    ),
    (
        "two orders with one voucher's code",
        change("store", "orders", "o3", code_hash="hash-of-o2"),
        {VOUCHERS},
        "shares its voucher's code",
    ),
]


@broken(*BROKEN)
def test_what_is_broken_is_named(
    audited: Audited, change: Break, names: set[str], words: str
) -> None:
    assert_named(audited(broken_town(change)), names, words)
