"""Invariants 9 and 10: all is told and copied, and nothing is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.audit.logs import Unread
from tests.deploy.audit.breaking import (
    EARNED,
    HOLDS,
    LEFT,
    ONCE,
    TOLD,
    Audited,
    Break,
    LogBreak,
    Row,
    add,
    assert_named,
    both,
    broken,
    broken_town,
    change,
    drop,
    tell,
)
from tests.deploy.audit.hand_made_logs import HandMadeLogs, logs_of, message_of
from tests.deploy.audit.hand_made_town import DISTRICT, NOW, town

pytestmark = pytest.mark.servers


BROKEN: list[Row] = [
    (
        "an outbox row never sent",
        change("store", "outbox", "o2:1", sent_to=None, sent_at=None),
        {TOLD, LEFT},
        "o2:1 is not marked sent",
    ),
    (
        "an outbox row sent to a log that is gone",
        both(
            change("store", "outbox", "o2:1", sent_to="old:store"),
            add("store", "logs", id="old:store", first_at=NOW - timedelta(days=2)),
        ),
        {TOLD, LEFT},
        "another log",
    ),
    (
        "an event that was never saved",
        both(change("store", "orders", "o3", version=3)),
        {TOLD},
        "says that it told 3",
    ),
    (
        "a version left out",
        both(
            tell("activities", "ServiceConfirmed", "r2", 3, record_id="r2"),
            change("activities", "records", "r2", version=3),
            change("volunteers", "minutes", "r2", version=3),
        ),
        {TOLD, EARNED, ONCE},
        "a version is missing",
    ),
    (
        "a book told only half",
        lambda made: made.book_row().update(told={"log": "cluster:ledger", "n": 3}),
        {TOLD, LEFT},
        "told up to 3",
    ),
    (
        "a book told to a log that is gone",
        lambda made: made.book_row()["told"].update(log="old:ledger"),
        {TOLD, LEFT},
        "to another log",
    ),
    (
        "a copy that is behind",
        both(
            change("volunteers", "people", "bob", status="frozen", version=2),
            tell("volunteers", "VolunteerStatusChanged", "bob", 2),
            change("activities", "volunteer_copies", "bob", status="frozen", version=2),
            change("ledger", "volunteer_copies", "bob", status="frozen", version=2),
        ),
        {TOLD},
        "store: copy of bob",
    ),
    (
        "a copy that is not there",
        drop("ledger", "volunteer_copies", "ada"),
        {TOLD},
        "no copy of ada",
    ),
    (
        "minutes of an older version",
        both(
            change("volunteers", "minutes", "r1", version=1, minutes=125),
            change("volunteers", "tallies", "ada", credit_minutes=220),
        ),
        {TOLD},
        "minutes of record r1",
    ),
    (
        "a record banked under another number",
        change("activities", "records", "r1", posted_n=2),
        {TOLD},
        "banked as n=2",
    ),
    (
        "a settlement line in another month",
        change("store", "settlement_lines", "o1", month="2026-12"),
        {TOLD},
        "month '2026-12'",
    ),
    (
        "a settlement line under another number",
        change("store", "settlement_lines", "o1", n=1),
        {TOLD},
        "settlement line of order o1",
    ),
    (
        "a dead letter",
        add("store", "dead_letters", id="x:1", state="open", reason="odd", count=1),
        {LEFT},
        "dead letter x:1",
    ),
    (
        "an alarm",
        add(
            "ledger", "alarms", id="posted-otherwise:f", kind="posted-otherwise", about="f", count=1
        ),
        {LEFT},
        "alarm posted-otherwise about f",
    ),
    (
        "an order that waits for an answer",
        change("store", "orders", "o2", state="PLACED"),
        {LEFT, HOLDS},
        "orders in PLACED",
    ),
    (
        "a record that is not banked",
        change("activities", "records", "r2", state="CONFIRMED", posted_n=None),
        {LEFT},
        "records in CONFIRMED",
    ),
    (
        "a partition that is paused",
        add("store", "pauses", id="ledger.events:0", resumed_at=None),
        {LEFT},
        "is paused",
    ),
]


@broken(*BROKEN)
def test_what_is_broken_is_named(
    audited: Audited, change: Break, names: set[str], words: str
) -> None:
    assert_named(audited(broken_town(change)), names, words)


def swap_versions(logs: HandMadeLogs) -> None:
    topic = logs.topics["store"]
    places = [i for i, message in enumerate(topic) if message.headers["ce_id"] in ("o1:1", "o1:2")]
    topic[places[0]], topic[places[1]] = topic[places[1]], topic[places[0]]


def move_to_a_partition_too_late(logs: HandMadeLogs) -> None:
    topic = logs.topics["store"]
    place = next(i for i, message in enumerate(topic) if message.headers["ce_id"] == "o1:1")
    topic.append(replace(topic.pop(place), partition=1, at_ms=topic[0].at_ms + 1000))


def swap_postings(logs: HandMadeLogs) -> None:
    topic = logs.topics["ledger"]
    topic[1], topic[2] = topic[2], topic[1]


BROKEN_LOGS: list[tuple[str, LogBreak, set[str], str]] = [
    (
        "an event lost on its way",
        lambda logs: logs.topics["store"].pop(0),
        {TOLD},
        "not in its topic",
    ),
    (
        "a posting lost on its way",
        lambda logs: logs.topics["ledger"].pop(),
        {TOLD},
        "not in its topic",
    ),
    ("a version before its predecessor", swap_versions, {TOLD}, "out of order with version 2"),
    (
        "a version that came to a new partition after its successor",
        move_to_a_partition_too_late,
        {TOLD},
        "out of order with version 2",
    ),
    ("postings out of order", swap_postings, {TOLD}, "out of order with version"),
    (
        "an event told and rolled back",
        lambda logs: logs.topics["store"].append(
            message_of("store", 99, "ghost:1", "OrderPlaced", DISTRICT, "{}")
        ),
        {TOLD},
        "told and never saved",
    ),
    (
        "an event told otherwise than saved",
        lambda logs: logs.topics["store"].append(
            message_of("store", 99, "o1:1", "OrderPlaced", DISTRICT, '{"amount": 1}')
        ),
        {TOLD},
        "otherwise than it was saved",
    ),
    (
        "messages that a service has not read",
        lambda logs: logs.left_unread.append(Unread("store-abc", "ledger.events", 3)),
        {LEFT},
        "3 messages of ledger.events",
    ),
    (
        "another log",
        lambda logs: logs.log_ids.update(store="new:store"),
        {TOLD, LEFT},
        "another log",
    ),
]


@pytest.mark.parametrize(
    ("change", "names", "words"),
    [row[1:] for row in BROKEN_LOGS],
    ids=[row[0] for row in BROKEN_LOGS],
)
def test_what_is_broken_in_the_logs_is_named(
    audited: Audited, change: LogBreak, names: set[str], words: str
) -> None:
    made = town()
    logs = logs_of(made)
    change(logs)

    assert_named(audited(made, logs), names, words)
