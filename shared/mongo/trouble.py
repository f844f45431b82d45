"""What can go wrong with the database: what passes, what runs again, what never will."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pymongo
from bson.errors import InvalidDocument
from pymongo.errors import (
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    PyMongoError,
    WriteError,
)

DUPLICATE = 11000

DatabaseTrouble = PyMongoError
"""Whatever the database or the way to it answers instead of doing it; see :func:`passes`."""


class CommitUnknown(PyMongoError):
    """The commit's outcome cannot be had now. The body is not run again: whoever asked looks up."""


class TakenEveryTime(Exception):
    """A key was taken in every try, though each looks up afresh: a fault of ours, no contention."""


def runs_again(error: PyMongoError) -> bool:
    """Tell whether a transaction that ended so may succeed when it runs again from its start."""
    return is_duplicate(error) or error.has_error_label("TransientTransactionError")


def is_duplicate(error: PyMongoError) -> bool:
    """Tell whether a key was taken, by one write or by some of many."""
    if isinstance(error, BulkWriteError):
        return DUPLICATE in {failed.get("code") for failed in _write_errors(error)}
    return isinstance(error, DuplicateKeyError)


def only_duplicates(error: BulkWriteError) -> list[Any]:
    """Return what a bulk write says of each write whose key was taken; raise it for all else."""
    failed = _write_errors(error)
    # What no key stopped may not last either, where the write concern was not met.
    if not failed or not _all_duplicates(failed) or _concern_errors(error):
        raise error
    return failed


def _all_duplicates(failed: list[Any]) -> bool:
    return all(one.get("code") == DUPLICATE for one in failed)


def _write_errors(error: BulkWriteError) -> list[Any]:
    return list((error.details or {}).get("writeErrors", []))


def _concern_errors(error: BulkWriteError) -> list[Any]:
    return list((error.details or {}).get("writeConcernErrors", []))


@contextmanager
def answered_within(seconds: float) -> Iterator[None]:
    """Let what is asked of any database here, and all of it together, take no longer than this.

    What takes longer ends with one of pymongo's errors, whatever had become of it.
    """
    with pymongo.timeout(seconds):
        yield


def passes(error: Exception) -> bool:
    """Tell trouble with the database that passes from a write that it will never take."""
    if isinstance(error, DocumentTooLarge | InvalidDocument):
        return False
    if isinstance(error, WriteError) or (
        isinstance(error, BulkWriteError) and _write_errors(error)
    ):
        return error.has_error_label("TransientTransactionError")
    return isinstance(error, PyMongoError)
