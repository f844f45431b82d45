"""All rows: each file here has ``ROWS`` and perhaps ``CURVES``."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from tests.performance.row import Curve, Row


def all_rows() -> list[Row]:
    """Return every row there is, by its number."""
    return sorted(_named("ROWS"), key=lambda row: row.number)


def all_curves() -> list[Curve]:
    """Return every curve of the picture."""
    return _named("CURVES")


def _named(name: str) -> list[Any]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{module}") for module in names]
    return [one for module in modules for one in getattr(module, name, ())]
