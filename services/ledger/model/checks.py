"""What every reader of a journal checks again: the number, the chain, the time, the sums."""

from __future__ import annotations

from collections import defaultdict

from services.ledger.model.posting import FORMAT, GENESIS_PREV, Posting, chained


class Unsound(Exception):
    """A book fails a check: nobody goes on with it before an operator has looked."""

    def __init__(self, n: int, why: str) -> None:
        super().__init__(f"posting {n}: {why}")
        self.n = n
        self.why = why


def check_next(posting: Posting, *, n: int, at: int, prev: str) -> None:
    """Raise :class:`Unsound` unless this posting may follow number ``n`` of hash ``prev``.

    ``at`` is when number ``n`` was posted. Before the first posting both are 0, and ``prev`` is
    64 zeros.
    """
    number = n + 1
    document = posting.document
    if document.get("n") != number:
        raise Unsound(number, "is missing")
    if document.get("prev") != prev or (number == 1) != (prev == GENESIS_PREV):
        raise Unsound(number, "does not continue the posting before it")
    if document.get("hash") != chained(prev, document):
        raise Unsound(number, "is not what was hashed")
    if document.get("format") != FORMAT:
        raise Unsound(number, f"is of format {document.get('format')}")
    if posting.at < at:
        raise Unsound(number, "is earlier than the posting before it")
    if (number == 1) != (posting.id == f"open:{posting.book}"):
        raise Unsound(number, "only the first posting opens a book")
    sums: dict[str, int] = defaultdict(int)
    for line in posting.lines:
        sums[line["unit"]] += line["amount"]
    if any(sums.values()):
        raise Unsound(number, f"its lines sum to {dict(sums)}")
    if list(posting.accounts) != sorted({line["account"] for line in posting.lines}):
        raise Unsound(number, "names other accounts than its lines")
