"""What holds, holds: a true town, an empty one, and faults that were called for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from deploy.audit import TITLES
from tests.deploy.audit.breaking import LEFT, ONCE, TOLD, Audited, assert_named
from tests.deploy.audit.hand_made_logs import logs_of, message_of
from tests.deploy.audit.hand_made_town import DISTRICT, NOW, Town, town

pytestmark = pytest.mark.servers


def nothing() -> Town:
    made = Town()
    made.databases["ledger"] = {}
    return made


def test_a_true_town_holds_and_every_invariant_looked_at_something(audited: Audited) -> None:
    report = audited(town())

    assert report.holds, report.as_dict()
    assert all(invariant.checked > 0 for invariant in report.invariants)
    assert [invariant.name for invariant in report.invariants] == list(TITLES)
    assert report.drained
    assert not report.empty


def test_where_nothing_was_looked_at_nothing_holds_strictly(audited: Audited) -> None:
    report = audited(nothing())

    assert report.empty == [DISTRICT]
    assert {"holds-are-orders", "one-outcome", "counters-count"} <= set(report.broken)
    assert not any(invariant.findings for invariant in report.invariants)


def test_an_empty_system_holds_where_that_is_not_asked_strictly(audited: Audited) -> None:
    assert audited(nothing(), strict=False).holds


def test_dead_letters_and_alarms_that_a_fault_called_for_hold(audited: Audited) -> None:
    made = town()
    made.add("store", "dead_letters", id="x:1", state="open", reason="odd", count=1)
    made.add("ledger", "alarms", id="odd:f", kind="odd", about="f", count=1)

    assert audited(made, expected_dead_letters=["store:x:1"], expected_alarms=["odd:f"]).holds


def test_what_a_fault_called_for_and_did_not_come_is_named(audited: Audited) -> None:
    report = audited(town(), expected_dead_letters=["x:1"], expected_alarms=["odd"])

    assert_named(report, {LEFT}, "dead letter x:1 was expected")
    assert "alarm odd was expected and is not there" in report[LEFT].findings


@pytest.mark.parametrize(("strict", "names"), [(False, []), (True, [LEFT])])
def test_a_dead_letter_that_was_dealt_with_is_history_but_not_in_tests(
    audited: Audited, strict: bool, names: list[str]
) -> None:
    made = town()
    made.add("store", "dead_letters", id="x:1", state="settled", reason="odd", count=1)

    assert audited(made, strict=strict).broken == names


def test_a_message_that_was_set_aside_need_not_have_been_saved(audited: Audited) -> None:
    made = town()
    made.add("ledger", "dead_letters", id="cluster:store:0:99", state="open", reason="", count=1)
    logs = logs_of(made)
    logs.topics["store"].append(message_of("store", 99, "", "Nonsense", "k", "{"))

    assert audited(made, logs, expected_dead_letters=["cluster:store:0:99"]).holds


def test_a_log_that_retention_cut_need_not_hold_what_was_before(audited: Audited) -> None:
    made = town()
    logs = logs_of(made)
    first = made.all("store", "outbox")[0]
    first["sent_at"] = first["told_at"] = NOW - timedelta(days=7, hours=1)
    del logs.topics["store"][0], logs.topics["ledger"][:2]
    logs.begins_at = {"store": 1, "ledger": 2}

    assert audited(made, logs).holds


def test_rows_that_went_to_a_lost_log_long_ago_are_let_be(audited: Audited) -> None:
    made = town()
    logs = logs_of(made)
    made.add("store", "logs", id="old:store", first_at=NOW - timedelta(days=20))
    first = made.all("store", "outbox")[0]
    first |= {"sent_to": "old:store", "told_at": NOW - timedelta(days=9)}
    del logs.topics["store"][0]

    assert audited(made, logs).holds


def test_postings_of_before_the_horizon_need_not_be_told_to_a_new_log(audited: Audited) -> None:
    made = town()
    logs = logs_of(made)
    made.add("ledger", "logs", id="old:ledger", first_at=NOW - timedelta(days=20))
    day = (NOW - timedelta(days=9)).date().isoformat()
    made.book_row()["days"] = [{"day": day, "n": 3}]
    del logs.topics["ledger"][:2]

    assert audited(made, logs).holds


def test_an_aggregate_may_lie_in_two_partitions_after_topics_were_widened(
    audited: Audited,
) -> None:
    made = town()
    logs = logs_of(made)
    ledger = logs.topics["ledger"]
    later = [replace(message, partition=0, at_ms=message.at_ms + 1) for message in ledger[4:]]
    logs.topics["ledger"] = [*later, *(replace(message, partition=1) for message in ledger[:4])]

    assert audited(made, logs).holds


def told(key: str, status: int, **body: object) -> dict[str, object]:
    return {
        "service": "store",
        "method": "POST",
        "path": "/v1/orders",
        "key": key,
        "status": status,
        "body": body,
    }


def test_what_clients_were_told_is_kept_and_alike(audited: Audited) -> None:
    report = audited(
        town(),
        told=[
            told("place-o2", 503),
            told("place-o2", 202, order_id="o2", state="PLACED"),
            told("place-o2", 202, order_id="o2", state="CONFIRMED"),
            told("refused", 409, code="out-of-stock"),
            told("refused", 409, code="out-of-stock"),
            told("place-o2", 422, code="idempotency-key-reused"),
        ],
    )

    assert report.holds, report.as_dict()


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([told("lost", 202, order_id="o7")], "nothing of it is kept"),
        ([told("place-o2", 202, order_id="o7")], "the client was told 'o7'"),
        ([told("k", 409, code="a"), told("k", 409, code="b")], "told code 'a', then 'b'"),
        ([told("k", 409, code="a"), told("k", 404, code="b")], "told 409, then 404"),
        ([told("place-o2", 409, code="out-of-stock")], "done all the same"),
    ],
)
def test_what_clients_were_told_otherwise_is_named(
    audited: Audited, entries: list[dict[str, object]], words: str
) -> None:
    assert_named(audited(town(), told=entries), {ONCE}, words)


def test_a_document_that_is_not_of_its_shape_is_a_finding(audited: Audited) -> None:
    made = town()
    logs = logs_of(made)
    del made.find("store", "settlement_lines", "o1")["n"]
    del made.book.journal[3]["about"]["version"]

    report = audited(made, logs)

    assert TOLD in report.broken
    assert any("not of its shape" in finding for finding in report[TOLD].findings)
