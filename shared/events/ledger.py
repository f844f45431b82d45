"""What the ledger tells: each posting that someone waits for. The aggregate is the book.

The event's id is ``<book>:<n>:<first 12 of the posting's hash>``; ``n`` is the posting's number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from shared.events.envelope import Event


@dataclass(frozen=True, kw_only=True)
class LedgerEvent(Event):
    """What every event of the ledger carries."""

    AGGREGATE: ClassVar[str] = "district"

    district: str
    """The district, which is also the book."""
    n: int
    at: datetime

    def is_named(self, event_id: str) -> bool:
        """Tell whether an id is this event's: the posting's hash is known to the ledger alone."""
        return event_id.startswith(f"{self.aggregate}:{self.n}:")


@dataclass(frozen=True, kw_only=True)
class PointsEarned(LedgerEvent):
    """A version of a service record is banked; ``earned`` is the record's total, in hundredths."""

    record_id: str
    version: int
    volunteer_id: str
    earned: int


@dataclass(frozen=True, kw_only=True)
class HoldPlaced(LedgerEvent):
    """The points of an order are set aside."""

    order_id: str
    volunteer_id: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class HoldRefused(LedgerEvent):
    """The points of an order cannot be set aside; ``reason`` is the refusal's code."""

    order_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class HoldCaptured(LedgerEvent):
    """What was held is the merchant's."""

    order_id: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class HoldReleased(LedgerEvent):
    """What was held is the volunteer's again; 0 where nothing had been held."""

    order_id: str
    amount: int


EVENTS = (PointsEarned, HoldPlaced, HoldRefused, HoldCaptured, HoldReleased)
