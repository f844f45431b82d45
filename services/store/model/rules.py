"""The store's rules of a district: defaults here, a district's own values by date in ``rules``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a district decides about its shelf, for every item that says nothing of its own."""

    limit_a_month: int = 2
    """Pieces of one item that one person may order in a month."""
    voucher_days: int = 30
    """Days that a voucher is good for, beginning on the day after the order."""
    voucher_days_fresh: int = 7
    """The same for fresh goods."""
