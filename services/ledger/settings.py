"""The ledger's settings: those of every process, and no secret of its own."""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class LedgerSettings(Settings):
    """What a process of the ledger needs to know."""
