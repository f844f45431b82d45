"""One entry of the journal, its canonical form, and the chain that holds the entries together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

FORMAT = 1
GENESIS_PREV = "0" * 64

POSTED_OTHERWISE = "posted-otherwise"
SUPERSEDED = "superseded"
UNTOLD = (POSTED_OTHERWISE, SUPERSEDED)
"""Refusals that nobody waits for: the first is an operator's affair, the second a place kept."""

_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


class Line(TypedDict):
    """One movement of value; ``balance`` is the bucket's balance of that unit after it."""

    account: str
    bucket: str
    unit: str
    lot: str | None
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A document of the journal, read by its names. Nothing changes it, ever."""

    document: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return the fact that it records: ``earn:<record>:<version>``, ``hold:<order>`` …"""
        return str(self.document["_id"])

    @property
    def book(self) -> str:
        """Return the district's code."""
        return str(self.document["book"])

    @property
    def n(self) -> int:
        """Return its number in the book."""
        return int(self.document["n"])

    @property
    def at(self) -> int:
        """Return when it was posted: whole milliseconds since 1970, UTC."""
        return int(self.document["at"])

    @property
    def kind(self) -> str:
        """Return ``open``, ``earn``, ``hold`` or ``end``."""
        return str(self.document["kind"])

    @property
    def about(self) -> Mapping[str, Any]:
        """Return what the fact says."""
        about: Mapping[str, Any] = self.document["about"]
        return about

    @property
    def lines(self) -> Sequence[Line]:
        """Return what it moves; nothing for a refusal or a fact worth nothing."""
        lines: Sequence[Line] = self.document["lines"]
        return lines

    @property
    def accounts(self) -> Sequence[str]:
        """Return the accounts on its lines, sorted, each once."""
        accounts: Sequence[str] = self.document["accounts"]
        return accounts

    @property
    def cause(self) -> Mapping[str, str]:
        """Return who asked: the source, the id and the digest of the command."""
        cause: Mapping[str, str] = self.document["cause"]
        return cause

    @property
    def refused(self) -> str | None:
        """Return the code of the refusal, None where the fact stands."""
        return self.document.get("refused")

    @property
    def hash(self) -> str:
        """Return the link of the chain that ends in this posting."""
        return str(self.document["hash"])

    @property
    def told(self) -> bool:
        """Tell whether somebody hears of it."""
        return self.kind != "open" and self.refused not in UNTOLD


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return what is hashed: UTF-8 JSON without ``hash``, keys sorted, no spaces."""
    if "hash" in document:
        document = {name: value for name, value in document.items() if name != "hash"}
    return _encode(document).encode()


def chained(prev: str, document: Mapping[str, Any]) -> str:
    """Return a posting's hash: SHA-256 of the previous one, as text, and the canonical form."""
    return hashlib.sha256(prev.encode() + canonical(document)).hexdigest()


def sealed(document: dict[str, Any]) -> Posting:
    """Return the posting of a document whose ``prev`` is set, with its hash."""
    return Posting({**document, "hash": chained(document["prev"], document)})


def digest(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a command's canonical form: the same content, the same digest."""
    # Half a character is no text and no posting holds one, but its command is still answered.
    return hashlib.sha256(_encode(content).encode("utf-8", "surrogatepass")).hexdigest()
