"""Opening a book."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.ledger.model.charter import Charter
from services.ledger.model.commands.command import Command, flaw_of


@dataclass(frozen=True, kw_only=True)
class Open(Command):
    """Open a book with its charter."""

    charter: Charter

    @property
    def fact(self) -> str:
        return f"open:{self.book}"

    @property
    def kind(self) -> str:
        return "open"

    def content(self) -> Mapping[str, Any]:
        return {"kind": self.kind, "book": self.book, **self.charter.about()}

    def flaw(self) -> str | None:
        return flaw_of(self, parts=(self.book,))
