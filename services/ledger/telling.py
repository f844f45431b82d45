"""From a posting to the event that tells it: the same event with the same id at every telling."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict

from services.ledger.model import Posting
from services.ledger.model.accounts import HELD
from services.ledger.model.commands import CAPTURED, RELEASED
from shared import clock, events
from shared.events import Event
from shared.events.ledger import HoldCaptured, HoldPlaced, HoldRefused, HoldReleased, PointsEarned
from shared.kafka import Outgoing

CORRELATIONS_KEPT = 10_000
_HASH_SHOWN = 12


class Correlations:
    """Which story each command belongs to, for the time until its posting is told.

    Nobody decides by it: it is not in the journal, and a process that tells what another one
    posted does not know it.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._by_command: OrderedDict[str, str] = OrderedDict()

    def note(self, command_id: str, correlation: str) -> None:
        """Remember a command's story."""
        with self._guard:
            self._by_command[command_id] = correlation
            while len(self._by_command) > CORRELATIONS_KEPT:
                self._by_command.popitem(last=False)

    def of(self, posting: Posting) -> str:
        """Return the story that a posting belongs to; empty where it is not known here."""
        with self._guard:
            return self._by_command.get(posting.cause["id"], "")


def event_id(posting: Posting) -> str:
    """Return ``<book>:<n>:<first 12 of the hash>``: the same at every telling."""
    return f"{posting.book}:{posting.n}:{posting.hash[:_HASH_SHOWN]}"


def event_of(posting: Posting) -> Event:
    """Return what a posting tells; only for one that is told (``posting.told``)."""
    about = posting.about
    book, n, at = posting.book, posting.n, clock.from_ms(posting.at)
    if posting.kind == "earn":
        return PointsEarned(
            district=book,
            n=n,
            at=at,
            record_id=about["record"],
            version=about["version"],
            volunteer_id=about["volunteer"],
            earned=about["earned"],
        )
    order = about["order"]
    if posting.kind == "hold" and posting.refused is not None:
        return HoldRefused(district=book, n=n, at=at, order_id=order, reason=posting.refused)
    if posting.kind == "hold":
        return HoldPlaced(
            district=book,
            n=n,
            at=at,
            order_id=order,
            volunteer_id=_holder(posting),
            amount=about["amount"],
        )
    if about[CAPTURED]:
        return HoldCaptured(district=book, n=n, at=at, order_id=order, amount=about[CAPTURED])
    return HoldReleased(district=book, n=n, at=at, order_id=order, amount=about[RELEASED])


def outgoing(posting: Posting, correlations: Correlations) -> Outgoing:
    """Return a posting that is told as the wire has it."""
    event = event_of(posting)
    source = events.source_of(type(event))
    return Outgoing(
        topic=events.topic_of(source),
        key=event.key,
        id=event_id(posting),
        type=type(event).__name__,
        source=source,
        subject=event.aggregate,
        at=clock.from_ms(posting.at).isoformat(),
        correlation=correlations.of(posting),
        body=json.dumps(events.encode(event), ensure_ascii=False),
    )


def _holder(posting: Posting) -> str:
    held = next(line for line in posting.lines if line["bucket"] == HELD)
    return held["account"].rpartition(":")[2]
