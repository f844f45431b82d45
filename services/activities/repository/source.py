"""Where a read looks: inside a unit of work, or outside of any."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pymongo.client_session import ClientSession

from shared.mongo import ServiceDatabase, UnitOfWork

Document = dict[str, Any]
Source = UnitOfWork | ServiceDatabase

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""The lower bound of a look for what is due: a range with both bounds uses its index."""

LAST = "~"
"""Sorts after every order of ours; the upper bound of an open range."""


def session_of(source: Source) -> ClientSession | None:
    """Return the session of a unit of work; None outside of one."""
    return source.session if isinstance(source, UnitOfWork) else None


def order_of(moment: datetime, name: str) -> str:
    """Return a text that sorts by time, then by name: what lists are paged by."""
    return f"{order_start(moment)}~{name}"


def order_start(moment: datetime) -> str:
    """Return the text with which every order of this moment begins."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")[:23]


def scopes_of(region: str) -> list[str]:
    """Return every region that this one lies in, itself and everywhere ("") among them.

    A look for a region of any level is then an equality on one index.
    """
    return ["", *(region[:length] for length in (6, 9, 12) if length <= len(region))]
