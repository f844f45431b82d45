"""Region codes: a parent's code is a prefix of its child's, so "may act in" is a prefix test."""

from __future__ import annotations

LENGTHS = {"district": 6, "street": 9, "community": 12}


def is_code(code: str) -> bool:
    """Tell whether this is a district's (6), street's (9) or community's (12 digits) code."""
    return code.isascii() and code.isdigit() and len(code) in LENGTHS.values()


def district_of(code: str) -> str:
    """Return the district that a region lies in: the first six digits."""
    return code[: LENGTHS["district"]]


def within(code: str, region: str) -> bool:
    """Tell whether ``code`` is ``region`` or lies in it."""
    return code.startswith(region)
