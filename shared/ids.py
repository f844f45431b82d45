"""Ids: sortable by the time they were made, without a colon, safe in a path."""

from __future__ import annotations

import re

from ulid import ULID

_SAFE = re.compile(r"[A-Za-z0-9._~-]{1,64}")


def new_id() -> str:
    """Return a new id of 26 characters; later ones sort after earlier ones (by millisecond)."""
    return str(ULID())


def is_safe(value: str) -> bool:
    """Tell whether a value from outside may be used as an id: no NUL, no colon, ≤ 64 characters."""
    return _SAFE.fullmatch(value) is not None
