"""Invariant 10: what is still under way, and what was set aside: dead letters and alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from deploy.audit.journal import books, head_of
from deploy.audit.logs import Logs
from deploy.audit.report import Invariant
from deploy.audit.sources import SERVICES, TELLERS, Document, Sources
from deploy.audit.told import HORIZON
from shared import clock
from shared.kafka import BrokerTrouble

LOOK_EVERY_S = 0.25
NAMED_MAX = 5
OPEN_STATES = ("PLACED", "USED", "CANCELLING")
NOT_BANKED = "CONFIRMED"
UNDONE_MAX = 1000
OPEN = "open"


def wait_until_done(sources: Sources, logs: Logs, wait_s: float) -> tuple[list[str], float]:
    """Wait until nothing is under way, or the time is over; return what is, and the seconds."""
    began = clock.monotonic()
    while True:
        looked = clock.monotonic()
        left = _looked_at(sources, logs)
        now = clock.monotonic()
        sources.step(f"drain: {left[0] if left else 'done'}", int(now - began), int(wait_s))
        if not left or now - began >= wait_s:
            return left, now - began
        # A slow look is given as long a pause: waiting must not be what keeps the servers busy.
        clock.sleep(max(LOOK_EVERY_S, now - looked))


def undone(sources: Sources, logs: Logs) -> Iterator[str]:
    """Yield what is still under way, in words; the cheapest looks first."""
    yield from undelivered(sources, logs)
    yield from _in_state(sources, "store", "orders", OPEN_STATES)
    yield from _in_state(sources, "activities", "records", (NOT_BANKED,))


def undelivered(sources: Sources, logs: Logs) -> Iterator[str]:
    """Yield what is saved and not sent to the present logs, or sent and not read from them."""
    ids = logs.ids()
    if not ids:
        yield "kafka: a topic is missing"
    yield from _unsent(sources, ids.get)
    yield from _untold(sources, ids.get("ledger"))
    for unread in logs.unread():
        yield f"{unread.group}: {unread.count} messages of {unread.topic} not read yet"


def check(
    sources: Sources,
    found: Invariant,
    left: Sequence[str],
    *,
    expected_dead_letters: Sequence[str] = (),
    expected_alarms: Sequence[str] = (),
) -> None:
    """Look at what was left undone, and hold dead letters and alarms against what was expected.

    A dead letter or an alarm that an operator has dealt with (settled, discarded) needs no
    expectation where the audit is not strict: there it is history.
    """
    found.looked(len(SERVICES))
    for what in left:
        found.found(what)
    letters: set[str] = set()
    alarms: set[str] = set()
    for service in SERVICES:
        fields = ("state", "reason", "count")
        for letter in sources.scan(service, "dead_letters", fields):
            names = {str(letter["_id"]), f"{service}:{letter['_id']}"}
            letters |= names
            history = letter["state"] != OPEN and not found.strict
            found.expect(
                bool(names & set(expected_dead_letters)) or history,
                f"{service}: dead letter {letter['_id']} ({letter['state']}): {letter['reason']}",
            )
        for alarm in sources.scan(service, "alarms"):
            kind, about = alarm["kind"], alarm["about"]
            names = {kind, f"{kind}:{about}", f"{service}:{kind}:{about}"}
            alarms |= names
            history = alarm.get("settled_at") is not None and not found.strict
            found.expect(
                bool(names & set(expected_alarms)) or history,
                f"{service}: alarm {kind} about {about}: {alarm.get('detail', '')}",
            )
        for pause in sources.scan(service, "pauses", (), {"resumed_at": None}):
            found.found(f"{service}: partition {pause['_id']} is paused")
    for missing in set(expected_dead_letters) - letters:
        found.expect(False, f"dead letter {missing} was expected and is not there")
    for missing in set(expected_alarms) - alarms:
        found.expect(False, f"alarm {missing} was expected and is not there")


def _looked_at(sources: Sources, logs: Logs) -> list[str]:
    try:
        return list(undone(sources, logs))
    except BrokerTrouble as error:
        return [f"kafka does not answer: {error}"]


def _unsent(sources: Sources, present: Callable[[str], str | None]) -> Iterator[str]:
    since = sources.server_now() - HORIZON + timedelta(hours=1)
    for service in TELLERS:
        outbox = sources.collection(service, "outbox")
        rows = list(outbox.find({"sent_to": None}, {"_id": 1}, limit=UNDONE_MAX))
        for log in sources.collection(service, "logs").find({}, {"_id": 1}):
            if log["_id"] != present(service):
                older = {"sent_to": log["_id"], "told_at": {"$gte": since}}
                rows += outbox.find(older, {"_id": 1}, limit=UNDONE_MAX)
        if rows:
            yield f"{service}: {_some(rows)} not sent yet"


def _untold(sources: Sources, present: str | None) -> Iterator[str]:
    for book in books(sources):
        code = book["_id"]
        if book.get("set_aside"):
            yield f"ledger: book {code} is set aside: {book['set_aside']}"
        told = book.get("told") or {}
        head = head_of(sources, code, hint=max(book.get("n") or 0, told.get("n") or 0))
        if head and told.get("log") != present:
            yield f"ledger: book {code} is not told to the present log yet"
        elif head and told.get("n", 0) < head:
            yield f"ledger: book {code} is told up to {told.get('n', 0)} of {head}"


def _in_state(sources: Sources, service: str, name: str, states: Sequence[str]) -> Iterator[str]:
    for state in states:
        rows = list(
            sources.collection(service, name).find({"state": state}, {"_id": 1}, limit=UNDONE_MAX)
        )
        if rows:
            yield f"{service}: {name} in {state}: {_some(rows)}"


def _some(rows: Sequence[Document]) -> str:
    names = ", ".join(str(row["_id"]) for row in rows[:NAMED_MAX])
    return f"{len(rows)} ({names}{' …' if len(rows) > NAMED_MAX else ''})"
