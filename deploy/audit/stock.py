"""Invariant 7, the store's half: stock and the limits of persons equal what the orders say."""

from __future__ import annotations

from collections import defaultdict

from deploy.audit.report import Invariant
from deploy.audit.sources import Sources

RESERVED = ("PLACED", "CONFIRMED", "CANCELLING")
GONE = ("USED", "CAPTURED")
BACK = ("CANCELLED", "REFUSED")


def check(sources: Sources, found: Invariant) -> None:
    """Count every item's pieces and every person's month again from the orders."""
    reserved: dict[str, int] = defaultdict(int)
    gone: dict[str, int] = defaultdict(int)
    months: dict[str, int] = defaultdict(int)
    fields = ("item_id", "volunteer_id", "month", "pieces", "state")
    for order in sources.scan("store", "orders", fields):
        pieces, state = order["pieces"], order["state"]
        if state in RESERVED:
            reserved[order["item_id"]] += pieces
        elif state in GONE:
            gone[order["item_id"]] += pieces
        elif state not in BACK:
            found.found(f"order {order['_id']}: {state!r} is no state of an order")
        if state not in BACK:
            months[f"{order['volunteer_id']}:{order['item_id']}:{order['month']}"] += pieces
        if pieces < 1:
            found.found(f"order {order['_id']}: {pieces} pieces")
    _check_items(sources, found, reserved, gone)
    _check_limits(sources, found, months)


def _check_items(
    sources: Sources, found: Invariant, reserved: dict[str, int], gone: dict[str, int]
) -> None:
    seen = set()
    for item in sources.scan("store", "items", ("free", "reserved", "gone", "received")):
        item_id = str(item["_id"])
        seen.add(item_id)
        held = (item["free"], item["reserved"], item["gone"])
        found.expect(
            min(held) >= 0 and sum(held) == item["received"],
            f"item {item_id}: free {held[0]} + reserved {held[1]} + gone {held[2]}, "
            f"received {item['received']}",
        )
        found.differences(
            f"item {item_id}",
            (
                ("reserved", item["reserved"], reserved.get(item_id, 0)),
                ("gone", item["gone"], gone.get(item_id, 0)),
            ),
        )
    for item_id in (reserved.keys() | gone.keys()) - seen:
        found.found(f"item {item_id}: ordered and not there")


def _check_limits(sources: Sources, found: Invariant, months: dict[str, int]) -> None:
    for counter in sources.scan("store", "limits", ("pieces",)):
        key = str(counter["_id"])
        ought = months.pop(key, 0)
        found.expect(
            counter["pieces"] == ought,
            f"limit {key}: counts {counter['pieces']} pieces, the orders have {ought}",
        )
    for key, pieces in months.items():
        found.found(f"limit {key}: no counter, the orders have {pieces} pieces")
