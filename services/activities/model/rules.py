"""What a district may set for its activities, with the product's defaults; never constants in code.

The rules of a shift are those that hold at its start: the time of the fact.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rules:
    """A district's settings at one moment."""

    sign_up_closes_minutes: int = 120
    """Sign-up closes this long before the start."""
    withdrawal_closes_minutes: int = 180
    """Nobody withdraws later than this before the start."""
    day_minutes_max: int = 480
    """Nobody is signed up for more than this on one day."""
    check_in_opens_minutes: int = 30
    """Check-in opens this long before the start."""
    check_in_closes_minutes: int = 30
    """The first check-in is no later than this after the start."""
    check_in_pairs_max: int = 3
    """Pairs of check-in and check-out of one sign-up."""
    check_in_code_seconds: int = 30
    """The life of a check-in code's window; a new one begins every half of it."""
    check_out_grace_minutes: int = 30
    """A forgotten check-out closes this long after the end."""
    decision_days: int = 7
    """So long may the leader decide what a forgotten check-out is worth."""
    minimum_share_percent: int = 60
    """Less of a shift than this is worth 0 until the leader decides."""


DEFAULTS = Rules()
