"""The journal: postings are inserted and read. Nothing here updates or deletes one.

Reads ask for what a majority has, so that nothing is decided or told that a failover undoes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from math import ceil

from pymongo import ASCENDING, DESCENDING
from pymongo.collection import Collection
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from services.ledger.model import Posting
from shared.mongo import Document, ServiceDatabase

IN_MAX = 50
WINDOW = 500
STEP_MAX = 16
"""A window back is at most so many times as wide as all that was looked at before it."""
EMPTY_STEP = 4
STEP_MARGIN = 1.25
"""A quarter wider than the share found so far asks for, or each window would fall just short."""


class NotAppended(Exception):
    """The insert returned an error: some, all or none of the postings may stand."""


def append(database: ServiceDatabase, postings: Sequence[Posting]) -> None:
    """Insert postings in the order of their numbers.

    Raises :class:`NotAppended` for whatever error: whoever appends reads forward and looks up.
    """
    try:
        _journal(database).insert_many([dict(posting.document) for posting in postings])
    except PyMongoError as error:
        raise NotAppended(f"{type(error).__name__}: {error}"[:300]) from error


def by_ids(database: ServiceDatabase, ids: Iterable[str]) -> dict[str, Posting]:
    """Return the postings of these ids that stand, by id."""
    found: dict[str, Posting] = {}
    for some in _slices(ids):
        # One id is a plain look-up, faster than a list of one.
        wanted = some[0] if len(some) == 1 else {"$in": some}
        for document in _journal(database).find({"_id": wanted}):
            found[document["_id"]] = Posting(document)
    return found


def at_number(database: ServiceDatabase, book: str, n: int) -> Posting | None:
    """Return posting ``n`` of a book; None where it is not there."""
    document = _journal(database).find_one({"book": book, "n": n})
    return Posting(document) if document else None


def window(database: ServiceDatabase, book: str, *, after: int, upto: int) -> list[Posting]:
    """Return the postings with ``after < n ≤ upto`` that are there, by number.

    A number that is missing among them may still be on its way: a scan is no snapshot.
    """
    found = _journal(database).find({"book": book, "n": {"$gt": after, "$lte": upto}})
    return sorted((Posting(document) for document in found), key=_number)


def first_above(database: ServiceDatabase, book: str, n: int) -> Posting | None:
    """Return the lowest posting above a number; for whoever looks for a gap, not on a hot path."""
    found = _journal(database).find({"book": book, "n": {"$gt": n}}).sort("n", ASCENDING).limit(1)
    return next((Posting(document) for document in found), None)


def unbroken(postings: Iterable[Posting], *, after: int) -> list[Posting]:
    """Return the postings that follow ``after`` without a gap."""
    run = []
    for posting in postings:
        if posting.n != after + 1:
            break
        after = posting.n
        run.append(posting)
    return run


def touching(database: ServiceDatabase, account: str, *, after: int, upto: int) -> list[Posting]:
    """Return the postings with ``after < n ≤ upto`` that name an account, by number."""
    found = _journal(database).find({"accounts": account, "n": {"$gt": after, "$lte": upto}})
    return sorted((Posting(document) for document in found), key=_number)


def latest_touching(
    database: ServiceDatabase, account: str, *, before: int, limit: int
) -> list[Posting]:
    """Return up to ``limit`` postings that name an account, below a number, the newest first.

    It looks back by windows, each as wide as what was found so far lets expect the rest to need:
    the embedded server reads all of a window before it sorts and limits, so one that is much too
    wide costs many times the page, and a busy account has ever more to read.
    """
    found: list[Posting] = []
    low, width = before, 2 * limit
    while low > 1 and len(found) < limit:
        high, low = low, max(1, low - width)
        page = _journal(database).find({"accounts": account, "n": {"$gte": low, "$lt": high}})
        page = page.sort("n", DESCENDING).limit(limit - len(found))
        came = [Posting(document) for document in page]
        found += came
        # Behind a gap the share found so far says nothing any more: it would be crept over.
        expected = _next_width(before - low, found=len(found), limit=limit)
        width = expected if came else max(expected, EMPTY_STEP * width)
    return found


def _journal(database: ServiceDatabase) -> Collection[Document]:
    return database.db.journal.with_options(read_concern=ReadConcern("majority"))


def _next_width(looked_at: int, *, found: int, limit: int) -> int:
    if not found:
        return STEP_MAX * looked_at
    return ceil(looked_at * min(STEP_MAX, STEP_MARGIN * (limit - found) / found))


def _slices(ids: Iterable[str]) -> Iterator[list[str]]:
    walk = iter(dict.fromkeys(ids))
    while some := list(islice(walk, IN_MAX)):
        yield some


def _number(posting: Posting) -> int:
    return posting.n
