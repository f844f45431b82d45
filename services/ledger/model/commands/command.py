"""What every command carries, whatever it asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from services.ledger.model.posting import Posting, digest
from shared.errors import Refusal

AMOUNT_MAX = 10**9
_COMMAND_ID_MAX = 300
_PART = re.compile(r"[A-Za-z0-9._~-]{1,64}")


class NotUnderstood(Refusal):
    """The content cannot be meant, or contradicts what stands: nothing is posted."""

    status = 422
    title = "无法理解 · Not understood"


@dataclass(frozen=True, kw_only=True)
class Command:
    """What every command carries, and what the writer must look up before it can be decided."""

    book: str
    id: str
    source: str

    @property
    def fact(self) -> str:
        """Return the ``_id`` under which the fact is posted."""
        raise NotImplementedError

    @property
    def kind(self) -> str:
        """Return the kind of its posting."""
        raise NotImplementedError

    def content(self) -> Mapping[str, Any]:
        """Return what the fact says, as the digest takes it."""
        raise NotImplementedError

    def ids(self) -> Iterable[str]:
        """Return the ids of the postings that decide about it."""
        return (self.fact,)

    def further_ids(self, facts: Mapping[str, Posting]) -> Iterable[str]:
        """Return what else to look up, now that the first look-up is known."""
        standing = facts.get(self.fact)
        otherwise = standing is not None and not self.same_as(standing)
        return (self.refusal,) if otherwise else ()

    def accounts(self) -> Iterable[str]:
        """Return the accounts that its lines may name."""
        return ()

    def persons(self) -> Iterable[str]:
        """Return the volunteers whose status decides."""
        return ()

    def flaw(self) -> str | None:
        """Return why it cannot be understood, None where it can."""
        raise NotImplementedError

    def unnameable(self) -> str | None:
        """Return why not even a refusal can be posted for it."""
        return self.flaw()

    def same_as(self, standing: Posting) -> bool:
        """Tell whether the posting that stands under this fact answers this command."""
        return standing.cause["digest"] == self.digest

    @property
    def refusal(self) -> str:
        """Return the ``_id`` of a refusal of this fact to this very command."""
        return f"no:{self.fact}:{self.id}"

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of the content."""
        return digest(self.content())

    def cause(self) -> dict[str, str]:
        """Return what the posting says of who asked."""
        return {"source": self.source, "id": self.id, "digest": self.digest}


def flaw_of(command: Command, *, parts: Iterable[str]) -> str | None:
    """Return why a command's ids cannot be used, None where they can: no colon, no NUL, bounded."""
    if not command.id or len(command.id) > _COMMAND_ID_MAX or "\x00" in command.id:
        return "its message has no usable id"
    bad = [part for part in parts if not _PART.fullmatch(part)]
    return f"id {bad[0][:40]!r}" if bad else None
