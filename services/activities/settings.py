"""The settings of activities."""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import KeyRing, Settings


@dataclass(frozen=True, kw_only=True)
class ActivitiesSettings(Settings):
    """What every process needs, and the keys that sign check-in codes."""

    check_in_keys: KeyRing
