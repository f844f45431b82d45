"""What the store's processes need to know besides what all do."""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import KeyRing, Settings


@dataclass(frozen=True, kw_only=True)
class StoreSettings(Settings):
    """The common settings and the keys of the voucher codes; the first key makes new ones."""

    voucher_keys: KeyRing
