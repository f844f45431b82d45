"""One exchange between a client and a service, and all of them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.history.actions import action_of

OK, REFUSED, UNKNOWN = "ok", "refused", "unknown"
UNTRUE_OF_EARLIER = (400, 401, 412, 413, 428)
"""Refusals that do not look at what was done under the same wish before."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One exchange: what was asked, when, and what was told; times are monotonic seconds."""

    service: str
    method: str
    path: str
    """Without ``/v1``, with the query."""
    wish: str = ""
    """The Idempotency-Key; for a PATCH a name that only this history knows; "" for a read."""
    who: str | None = None
    """The person whose token was shown."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    tag: str = ""
    """What If-Match said."""
    began: float
    ended: float
    outcome: str
    status: int | None = None
    replayed: bool = False
    """The service says that it repeats an answer, so the answer may be old."""
    body: Any = None

    def told(self) -> dict[str, Any]:
        """Return the entry as the audit wants to know what a client was told."""
        return {
            "service": self.service,
            "method": self.method,
            "path": f"/v1{self.path}",
            "key": self.wish,
            "status": self.status,
            "body": self.body,
        }


class History:
    """All exchanges, in the order in which they ended; safe to write from many threads.

    ``before`` is what the databases held when it began, ``posted`` the journal's facts: nobody
    asked for those here.
    """

    def __init__(self, before: Mapping[str, int] | None = None, posted: Iterable[str] = ()) -> None:
        self.entries: list[Entry] = []
        self.before = Counter(before or {})
        self.posted = frozenset(posted)

    def note(self, entry: Entry) -> None:
        """Keep one exchange."""
        self.entries.append(entry)

    def wishes(self) -> dict[str, list[Entry]]:
        """Return the exchanges of everything that was to be done once, by what names it."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in list(self.entries):
            if entry.wish:
                found[entry.wish].append(entry)
        return found

    def told(self) -> list[dict[str, Any]]:
        """Return what clients were told for certain of what is done once, for the audit."""
        return [
            entry.told()
            for entry in list(self.entries)
            if entry.method == "POST"
            and entry.outcome != UNKNOWN
            # One that only reads has no answer kept, whatever key it came with.
            and action_of(entry.service, entry.method, entry.path) is not None
        ]

    def write(self, path: Path) -> None:
        """Write all exchanges down, one a line."""
        with path.open("w") as file:
            for entry in list(self.entries):
                file.write(json.dumps(asdict(entry), ensure_ascii=False, default=str) + "\n")


def outcome_of(attempts: Sequence[Entry]) -> str:
    """Return what a client may believe of one wish after all its attempts."""
    outcomes = [attempt.outcome for attempt in attempts]
    if OK in outcomes:
        return OK
    last = attempts[-1]
    if last.outcome == REFUSED and (
        UNKNOWN not in outcomes or last.status not in UNTRUE_OF_EARLIER
    ):
        return REFUSED
    return UNKNOWN
