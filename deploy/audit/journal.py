"""The journals, read once from the first posting to the last, in order, for all who look on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Protocol

from bson.int64 import Int64

from deploy.audit.sources import Document, Sources

WINDOW = 2000
GENESIS_PREV = "0" * 64
OPENING = "open"
_PLAIN = frozenset({int, Int64, str, bool, type(None)})
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


class Observer(Protocol):
    """Somebody who looks at every posting of a book, in the order of its numbers."""

    def see(self, book: str, posting: Document) -> None:
        """Take note of one posting."""


def canonical(posting: Document) -> bytes:
    """Return what is hashed: the posting without its hash, keys sorted, no spaces, UTF-8."""
    content = {name: value for name, value in posting.items() if name != "hash"}
    return _encode(content).encode()


def chained(prev: str, posting: Document) -> str:
    """Return the hash that a posting must carry after ``prev``."""
    return hashlib.sha256(prev.encode() + canonical(posting)).hexdigest()


def only_integers(value: Any) -> bool:
    """Tell whether no float, date or other unhashable kind of number stands in a posting."""
    if type(value) in _PLAIN:
        return True
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return False
    return all(type(inner) in _PLAIN or only_integers(inner) for inner in value)


def postings(sources: Sources, book: str) -> Iterator[dict[str, Any]]:
    """Yield a book's postings in order, by windows; a gap does not end it."""
    journal = sources.collection("ledger", "journal")
    of, seen, low = sources.size("ledger", "journal"), 0, 0
    what = f"ledger.journal {book}"
    while True:
        window = {"book": book, "n": {"$gt": low, "$lte": low + WINDOW}}
        found = sorted(journal.find(window, batch_size=WINDOW), key=_number)
        yield from found
        seen += len(found)
        sources.step(what, seen, max(of, seen))
        low += WINDOW
        if found:
            continue
        # The head, or a gap wider than a window: look for what lies above before going home.
        above = journal.find_one({"book": book, "n": {"$gt": low}}, {"n": 1}, sort=[("n", 1)])
        if above is None:
            return
        low = above["n"] - 1


def head_of(sources: Sources, book: str, *, hint: int = 0) -> int:
    """Return the newest number of a book, looked for forwards from a number that it had before."""
    journal, head = sources.collection("ledger", "journal"), hint
    while True:
        window = {"book": book, "n": {"$gt": head, "$lte": head + WINDOW}}
        numbers = [posting["n"] for posting in journal.find(window, {"n": 1})]
        if not numbers:
            return head
        head = max(numbers)


def books(sources: Sources) -> list[dict[str, Any]]:
    """Return the books that are open, by their code."""
    return sorted(sources.collection("ledger", "books").find({}), key=lambda book: str(book["_id"]))


def _number(posting: Document) -> int:
    number: int = posting["n"]
    return number
