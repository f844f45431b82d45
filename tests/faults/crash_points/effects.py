"""What a durable effect is called: who did it, what it is, and where in the code it stands."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = f"{Path(__file__).parents[3]}/"
PRODUCT = tuple(f"{ROOT}{part}/" for part in ("services", "shared", "deploy"))
PASSED_THROUGH = f"{ROOT}shared/kafka/"
COMMITTING = frozenset({"unit_of_work", "_attempt", "_commit"})
"""Where every commit stands: what is committed, and by whom, is seen further out."""

Document = Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Effect:
    """One durable effect of one part of one service."""

    service: str
    part: str
    """``web``, ``worker``, or the command that an operator ran."""
    kind: str
    """``commit journal mark write schema send offsets topic member kill``."""
    what: str
    """The collection, the topic, or the type of event."""
    site: str
    """``<function of the service that began it> <innermost line of ours>``."""

    def __str__(self) -> str:
        return f"{self.service}-{self.part} {self.kind} {self.what} @ {self.site}"


def site() -> str:
    """Return where in our code the caller's caller stands, by its outer and its inner end."""
    frames = list(_product_frames())
    if not frames:
        return "-"
    inner = next(
        (
            frame
            for frame in frames
            if not (
                frame.f_code.co_name in COMMITTING
                and frame.f_code.co_filename.endswith("shared/mongo/database.py")
            )
        ),
        frames[0],
    )
    outer = next(
        (
            frame
            for frame in reversed(frames)
            if not frame.f_code.co_filename.startswith(PRODUCT[1])
        ),
        frames[-1],
    )
    where = inner.f_code.co_filename.removeprefix(ROOT)
    if where.startswith("shared/mongo/"):
        # It is the same for whoever calls: a lease, a session written down, an index.
        return f"{where}:{inner.f_lineno}"
    return f"{outer.f_code.co_name} {where}:{inner.f_lineno}"


def _product_frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(PRODUCT) and not name.startswith(PASSED_THROUGH):
            yield frame
        frame = frame.f_back


def of_write(command: str, document: Document) -> list[tuple[str, str]]:
    """Return kind and what of a write outside a transaction."""
    collection = str(document[command])
    if command in ("create", "createIndexes", "drop", "dropIndexes"):
        return [("schema", command)]
    if collection == "journal":
        return [("journal", kind) for kind in sorted({d["kind"] for d in document["documents"]})]
    if collection == "sessions":
        return [("write", "sessions")]
    for update in document.get("updates", ()):
        values = {**update["u"].get("$set", {}), **update["u"].get("$unset", {})}
        if "sent_to" in values or "told" in values:
            return [("mark", collection)]
    return [("write", collection)]


def of_commit(touched: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return kind and what of a commit: by what was heard, else by what was written."""
    heard = sorted({kind for collection, kind in touched if collection == "inbox"})
    if heard:
        return [("commit", f"hearing {kind}") for kind in heard]
    names = sorted({f"{name}:{kind}" if kind else name for name, kind in touched})
    return [("commit", " ".join(names) or "nothing")]


def touched_by(command: str, document: Document) -> list[tuple[str, str]]:
    """Return collection and type of what a write inside a transaction touches."""
    collection = str(document[command])
    if collection in ("inbox", "outbox") and command == "insert":
        return [(collection, str(row["type"])) for row in document["documents"]]
    return [(collection, "")]
