"""Invariant 9 put together: which events each service must have told, and where to look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from deploy.audit.journal import books
from deploy.audit.logs import HEARS, Logs
from deploy.audit.report import Invariant
from deploy.audit.sources import Document, Sources, all_rows_kept
from deploy.audit.told import (
    HORIZON,
    Expected,
    Told,
    as_meant,
    as_meant_in,
    as_sent,
    check_outbox,
    check_versions,
    cut_until,
)

OWNERS = {"volunteers": "people", "activities": "records", "store": "orders"}
"""The aggregates of each service: the documents that count the events told of them."""
LEDGER = "ledger"
UNTOLD = ("posted-otherwise", "superseded")
HASH_SHOWN = 12


def check_service(sources: Sources, logs: Logs, service: str, found: Invariant) -> None:
    """Check that a service's outbox is marked, lies in its topic, and misses no version."""
    told = _told(sources, logs, service, found)
    now = sources.server_now()
    newest = check_outbox(sources, told, cut=cut_until(logs, service, now), now=now)
    whole = all_rows_kept(sources, service)
    check_versions(sources, service, OWNERS[service], newest, found, whole=whole)
    told.check_topic(sources, logs)


class Postings:
    """Watches the journals for what the ledger has to tell, then asks marks and topic."""

    def __init__(self, sources: Sources, logs: Logs, found: Invariant) -> None:
        self._sources, self._logs, self._found = sources, logs, found
        self._told = _told(sources, logs, LEDGER, found)
        self._heads: dict[str, int] = {}
        self._first_required: dict[str, int] = {}
        for book in books(sources):
            self._first_required[str(book["_id"])] = self._begins_at(book)

    def see(self, book: str, posting: Document) -> None:
        """Take note of a posting that somebody waits for."""
        n = posting["n"]
        self._heads[book] = n
        event = event_of(posting)
        if event is None:
            return
        kind, body = event
        self._told.expect(
            f"{book}:{n}:{str(posting.get('hash'))[:HASH_SHOWN]}",
            Expected(book, n, as_meant(kind, book, body), n >= self._first_required.get(book, 0)),
        )

    def check(self) -> None:
        """Check each book's mark and the ledger's topic."""
        cut = cut_until(self._logs, LEDGER, self._sources.server_now()) is not None
        for book in books(self._sources):
            code, mark = str(book["_id"]), book.get("told") or {}
            head = self._heads.get(code, 0)
            self._found.expect(
                mark.get("log") == self._told.log_id and mark.get("n", 0) == head,
                f"ledger: book {code} is marked as told up to {mark.get('n', 0)} of {head}"
                + ("" if mark.get("log") == self._told.log_id else ", to another log"),
            )
        self._told.check_topic(self._sources, self._logs, cut=cut)

    def _begins_at(self, book: Document) -> int:
        """Return the lowest number that the present log must hold of a book.

        Where the ledger never told another log, all; else what the relay told again: at least
        everything since the day that began eight days ago.
        """
        others = [
            log["_id"]
            for log in self._sources.collection(LEDGER, "logs").find({}, {"_id": 1})
            if log["_id"] != self._told.log_id
        ]
        if not others:
            return 0
        since = (self._sources.server_now() - HORIZON).date().isoformat()
        notes = [note["n"] for note in book.get("days", []) if note["day"] <= since]
        return max(notes, default=0) + 1


def event_of(posting: Document) -> tuple[str, dict[str, Any]] | None:
    """Return the event that a posting is told as, and its body; None for one told to nobody."""
    kind, refused, about = posting["kind"], posting.get("refused"), posting["about"]
    if kind == "open" or refused in UNTOLD:
        return None
    at = datetime.fromtimestamp(posting["at"] / 1000, UTC).isoformat(timespec="milliseconds")
    said: dict[str, Any] = {
        "district": posting["book"],
        "n": posting["n"],
        "at": at.replace("+00:00", "Z"),
    }
    if kind == "earn":
        said |= {
            "record_id": about["record"],
            "version": about["version"],
            "volunteer_id": about["volunteer"],
            "earned": about["earned"],
        }
        return "PointsEarned", said
    said["order_id"] = about["order"]
    if refused is not None:
        return "HoldRefused", said | {"reason": refused}
    if kind == "hold":
        volunteer = posting["lines"][0]["account"].split(":", 2)[2]
        return "HoldPlaced", said | {"volunteer_id": volunteer, "amount": about["amount"]}
    if about["captured"]:
        return "HoldCaptured", said | {"amount": about["captured"]}
    return "HoldReleased", said | {"amount": about["released"]}


def _told(sources: Sources, logs: Logs, service: str, found: Invariant) -> Told:
    # What a posting is told as is made again here, so its fields may stand in another order.
    content = as_meant_in if service == LEDGER else as_sent
    told = Told(service, logs.ids().get(service), found, content)
    for hearer, tellers in HEARS.items():
        if service in tellers:
            told.set_aside |= {
                str(letter["_id"])
                for letter in sources.collection(hearer, "dead_letters").find({}, {"_id": 1})
            }
    return told
