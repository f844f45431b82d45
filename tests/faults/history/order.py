"""What answers say of the order in which things happened, against real time.

Whoever was answered before another asked came first: so a later look may not show an older state,
and what was asked later may not stand before it in the journal.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tests.faults.history.entries import OK, Entry

Posting = Mapping[str, Any]
ORDER_RANKS = {
    "PLACED": 0,
    "CONFIRMED": 1,
    "USED": 2,
    "CANCELLING": 2,
    "CAPTURED": 3,
    "CANCELLED": 3,
    "REFUSED": 3,
}
SPENT, GIVEN_UP = {"USED", "CAPTURED"}, {"CANCELLING", "CANCELLED", "REFUSED"}
NEVER = float("inf")


def stale_reads(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield every answer that shows an older state than one that was known before it was asked."""
    seen: dict[str, list[tuple[float, float, int, Entry]]] = defaultdict(list)
    for entry in entries:
        if entry.outcome == OK and not (entry.replayed and entry.status == 201):
            for thing, rank in ranks(entry):
                seen[thing].append((entry.ended, entry.began, rank, entry))
    for thing, looks in seen.items():
        looks.sort(key=lambda look: look[0])
        ends = [ended for ended, *_ in looks]
        best: list[int] = []
        for _, _, rank, _ in looks:
            best.append(max(rank, best[-1] if best else rank))
        for _, began, rank, entry in looks:
            known = bisect_left(ends, began)
            if known and best[known - 1] > rank:
                yield f"{entry.method} {entry.path} shows {thing} at {rank} after {best[known - 1]}"


def contradictions(entries: Iterable[Entry]) -> Iterator[str]:
    """Yield the orders that were told to be spent and given up both."""
    told: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for body in _bodies(entry):
            if "order_id" in body and body.get("state") in ORDER_RANKS:
                told[body["order_id"]].add(body["state"])
    for order, states in told.items():
        if states & SPENT and states & GIVEN_UP:
            ends = sorted(states & (SPENT | GIVEN_UP))
            yield f"order {order} was told to be {', '.join(ends)}"


def ranks(entry: Entry) -> Iterator[tuple[str, int]]:
    """Yield the things that an answer shows, each with how far it has come."""
    for body in _bodies(entry):
        if "record_id" in body and "version" in body and "posted_n" in body:
            banked = body["state"] == "BANKED"
            yield f"record {body['record_id']}", body["version"] * 2 + banked
        elif "order_id" in body and body.get("state") in ORDER_RANKS:
            yield f"order {body['order_id']}", ORDER_RANKS[body["state"]]
        elif "sign_up_id" in body and "attendance" in body:
            yield f"sign-up {body['sign_up_id']}", _attended(body)
        elif "item_id" in body and "revision" in body:
            yield f"item {body['item_id']}", body["revision"]
            if "received" in body:
                yield f"stock of {body['item_id']}", body["received"]
        elif "volunteer_id" in body and "revision" in body:
            yield f"person {body['volunteer_id']}", body["revision"]


def known_facts(entry: Entry) -> Iterator[str]:
    """Yield the facts that must stand in the journal, since an answer shows their outcome."""
    for body in _bodies(entry):
        if "record_id" in body and body.get("state") == "BANKED":
            yield f"earn:{body['record_id']}:{body['version']}"
        elif "order_id" in body:
            state = body.get("state")
            if state in {"CONFIRMED", "USED", "CAPTURED"}:
                yield f"hold:{body['order_id']}"
            if state == "CAPTURED":
                yield f"end:{body['order_id']}"


def reordered(
    journal: Sequence[Posting], asked: Mapping[str, float], known: Mapping[str, float]
) -> Iterator[str]:
    """Yield the postings of one book that stand after one which was asked for later.

    ``asked``: when a fact was asked for first; ``known``: when somebody was told of it first.
    """
    earliest, above = NEVER, ""
    for posting in sorted(journal, key=lambda one: one["n"], reverse=True):
        fact = posting["_id"]
        if asked.get(fact, -NEVER) > earliest:
            yield f"{fact} was asked for after {above} was known, and has a lower number"
        if known.get(fact, NEVER) < earliest:
            earliest, above = known[fact], fact


class Accounts:
    """What the journal says of every account at every number."""

    def __init__(self, journal: Iterable[Posting]) -> None:
        self._numbers: dict[str, list[int]] = defaultdict(list)
        self._sums: dict[str, list[dict[str, int]]] = defaultdict(list)
        for posting in sorted(journal, key=lambda one: one["n"]):
            for account in posting["accounts"]:
                before = self._sums[account][-1] if self._sums[account] else {}
                after = dict(before)
                for line in posting["lines"]:
                    if line["account"] == account:
                        after[line["bucket"]] = after.get(line["bucket"], 0) + line["amount"]
                self._numbers[account].append(posting["n"])
                self._sums[account].append(after)

    def at(self, account: str, n: int) -> dict[str, int]:
        """Return the sums of an account's buckets up to a number."""
        place = bisect_right(self._numbers[account], n)
        return self._sums[account][place - 1] if place else {}


def untrue_balances(
    entries: Iterable[Entry], journal: Sequence[Posting], known: Mapping[str, float]
) -> Iterator[str]:
    """Yield the balances that are not what the journal says, or older than what was known."""
    accounts = Accounts(journal)
    told: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for posting in journal:
        for account in posting["accounts"]:
            told[account].append((known.get(posting["_id"], NEVER), posting["n"]))
    for entry in entries:
        body = entry.body
        if entry.outcome != OK or entry.service != "ledger" or "available" not in body:
            continue
        account, n = body["account"], body["n"]
        sums = accounts.at(account, n)
        for bucket in ("available", "held", "debt"):
            if body[bucket] != sums.get(bucket, 0):
                yield f"{account} at {n}: {bucket} {body[bucket]}, the journal says {sums}"
        newest = max((number for when, number in told[account] if when < entry.began), default=0)
        if n < newest:
            yield f"{account}: a balance as of {n} after {newest} was known"


def _attended(body: Mapping[str, Any]) -> int:
    if body["state"] == "withdrawn":
        return 100
    attendance = body["attendance"] or {}
    pairs = attendance.get("pairs") or []
    outs = sum(pair["out_at"] is not None for pair in pairs)
    return len(pairs) + outs + bool(attendance.get("record_id"))


def _bodies(entry: Entry) -> Iterator[Mapping[str, Any]]:
    if entry.outcome != OK or not isinstance(entry.body, dict):
        return
    yield entry.body
    items = entry.body.get("items")
    if isinstance(items, list):
        yield from (item for item in items if isinstance(item, dict))
