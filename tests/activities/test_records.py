"""Confirming, correcting, and hearing what is banked."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared import clock
from shared.auth import Grant, Role
from shared.events.ledger import PointsEarned
from tests.activities.conftest import ELSEWHERE, Activities, read

pytestmark = pytest.mark.servers


def points(record: dict[str, Any], *, version: int, n: int, **changes: Any) -> PointsEarned:
    values = {
        "district": record["district"],
        "n": n,
        "at": clock.now(),
        "record_id": record["record_id"],
        "version": version,
        "volunteer_id": record["volunteer_id"],
        "earned": 200,
    }
    return PointsEarned(**{**values, **changes})


def now_is(activities: Activities, record: dict[str, Any]) -> tuple[str, int, int | None]:
    shown = read(activities.get(f"/service-records/{record['record_id']}", activities.leader))
    return shown["state"], shown["version"], shown["posted_n"]


def correct(activities: Activities, record: dict[str, Any], minutes: int, **by: Any) -> Any:
    return activities.post(
        f"/service-records/{record['record_id']}/corrections",
        {"minutes": minutes, "reason": "签到表核对"},
        by=by.get("by", activities.leader),
    )


def alarms(activities: Activities) -> set[str]:
    return {row["kind"] for row in activities.db.alarms.find()}


def test_a_confirmed_service_is_told_once_with_its_minutes(activities):
    record = activities.confirmed(minutes=100)

    assert (record["state"], record["version"], record["minutes"]) == ("CONFIRMED", 1, 100)
    assert record["kind"] == "credit"
    assert [entry["minutes"] for entry in record["history"]] == [100]
    (row,) = activities.db.outbox.find()
    assert (row["_id"], row["key"]) == (f"{record['record_id']}:1", "430211")
    ada = activities.token("ada")
    assert activities.get("/service-records", ada).json["items"] == [record]
    listed = activities.get("/service-records", activities.leader, shift_id=record["shift_id"])
    assert listed.json["items"] == [record]
    assert activities.get("/service-records", ada, shift_id=record["shift_id"]).status_code == 404
    path = f"/service-records/{record['record_id']}"
    assert activities.get(path, activities.token("eve")).status_code == 404


def test_ten_confirmations_at_once_make_one_record(activities):
    sign_up_id = activities.served("ada", activities.published()[0])
    ask = partial(
        activities.insist, f"/sign-ups/{sign_up_id}/service-records", by=activities.leader
    )

    answers = activities.at_once([ask] * 10, threads=5)

    assert Counter(a.status_code for a in answers) == {202: 1, 409: 9}
    assert {a.json["code"] for a in answers if a.status_code == 409} == {"already-confirmed"}
    assert activities.db.outbox.count_documents({}) == 1


def test_nobody_confirms_or_corrects_their_own_service(activities):
    (shift_id,) = activities.published()
    sign_up_id = activities.served("olga", shift_id)
    olga = activities.token("olga", Grant(Role.ORGANISER, "430211"))

    own = activities.post(f"/sign-ups/{sign_up_id}/service-records", by=olga)
    assert (own.status_code, own.json["code"]) == (403, "own-service")
    record = activities.post(f"/sign-ups/{sign_up_id}/service-records", by=activities.leader).json
    own = correct(activities, record, 1, by=olga)
    assert (own.status_code, own.json["code"]) == (403, "own-service")
    assert activities.db.outbox.count_documents({}) == 1


def test_only_who_leads_the_region_confirms(activities):
    sign_up_id = activities.served("ada", activities.published()[0])
    path = f"/sign-ups/{sign_up_id}/service-records"

    assert activities.post(path, by=activities.token("ada")).status_code == 403
    stranger = activities.token("eve", Grant(Role.ORGANISER, ELSEWHERE))
    assert activities.post(path, by=stranger).status_code == 404
    assert activities.db.records.count_documents({}) == 0


def test_minutes_are_the_leaders_only_where_they_must_decide(activities):
    (shift_id,) = activities.published()
    ada = activities.signed_up("ada", shift_id)
    full = activities.served("bob", shift_id, minutes=0)
    activities.post(f"/sign-ups/{ada}/check-ins", by=activities.leader)
    activities.advance_to(activities.nine + timedelta(minutes=61))
    activities.post(f"/sign-ups/{ada}/check-outs", by=activities.leader)
    path = f"/sign-ups/{ada}/service-records"

    unreasoned = activities.post(path, {"minutes": 50}, by=activities.leader)
    assert (unreasoned.status_code, list(unreasoned.json["errors"])) == (422, ["reason"])
    decision = {"reason": "提前离开，经负责人认定"}
    more = activities.post(path, {"minutes": 62, **decision}, by=activities.leader)
    assert (more.status_code, more.json["code"]) == (409, "more-than-attended")
    decided = activities.post(path, {"minutes": 50, **decision}, by=activities.leader)
    assert decided.json["minutes"] == 50
    assert decided.json["history"][0]["reason"] == decision["reason"]
    nothing = activities.post(f"/sign-ups/{full}/service-records", by=activities.leader)
    assert nothing.json["minutes"] == 0


def test_a_record_is_banked_with_its_posting_however_often_it_is_told(activities):
    record = activities.confirmed()
    event = points(record, version=1, n=7)

    for event_id in ("book:7:a", "book:7:a", "book:7:b"):
        assert not activities.hear(event, event_id)

    assert now_is(activities, record) == ("BANKED", 1, 7)
    assert activities.sweep(clock.real_now() + timedelta(days=1)) == 0
    assert not alarms(activities)


def test_versions_late_and_out_of_order_are_harmless(activities):
    record = activities.confirmed()
    assert correct(activities, record, 90).json["version"] == 2
    activities.hear(points(record, version=1, n=7))
    assert now_is(activities, record) == ("CONFIRMED", 2, None)
    activities.hear(points(record, version=2, n=9))
    assert now_is(activities, record) == ("BANKED", 2, 9)

    activities.hear(points(record, version=1, n=7))

    assert now_is(activities, record) == ("BANKED", 2, 9)
    assert correct(activities, record, 120).json["state"] == "CONFIRMED"
    activities.hear(points(record, version=2, n=9))
    assert now_is(activities, record) == ("CONFIRMED", 3, None)
    activities.hear(points(record, version=3, n=10))
    assert now_is(activities, record) == ("BANKED", 3, 10)
    assert [row["_id"] for row in activities.db.outbox.find()] == [
        f"{record['record_id']}:{version}" for version in (1, 2, 3)
    ]
    assert not alarms(activities)


def test_what_cannot_be_is_an_alarm_and_changes_nothing(activities):
    record = activities.confirmed()
    activities.hear(points(record, version=2, n=8), "never-told")
    activities.hear(points(record, version=1, n=7, record_id="nothing"), "no-record")
    activities.hear(points(record, version=1, n=7, district="430104"), "another-book")
    assert now_is(activities, record) == ("CONFIRMED", 1, None)
    activities.hear(points(record, version=1, n=7))

    activities.hear(points(record, version=1, n=8), "twice")

    assert now_is(activities, record) == ("BANKED", 1, 7)
    assert alarms(activities) == {"version-never-told", "points-of-no-record", "banked-twice"}
    heard = {row["_id"] for row in activities.db.inbox.find()}
    assert not heard & {"never-told", "no-record", "another-book", "twice"}


def test_a_correction_stays_within_the_shift_and_has_a_reason(activities):
    record = activities.confirmed()

    assert correct(activities, record, 121).json["code"] == "more-than-the-shift"
    assert correct(activities, record, -1).status_code == 422
    unreasoned = activities.post(
        f"/service-records/{record['record_id']}/corrections",
        {"minutes": 1},
        by=activities.leader,
    )
    assert unreasoned.status_code == 422
    stranger = activities.token("eve", Grant(Role.ORGANISER, ELSEWHERE))
    assert correct(activities, record, 1, by=stranger).status_code == 404
    assert now_is(activities, record) == ("CONFIRMED", 1, None)


def test_corrections_at_once_are_versions_one_after_the_other(activities):
    record = activities.confirmed()

    answers = activities.at_once(
        [partial(correct, activities, record, minutes) for minutes in range(10)], threads=5
    )

    done = [answer.json["version"] for answer in answers if answer.status_code == 202]
    assert sorted(done) == list(range(2, 2 + len(done)))
    assert {answer.status_code for answer in answers} <= {202, 503}
    shown = activities.get(f"/service-records/{record['record_id']}", activities.leader).json
    assert shown["version"] == 1 + len(done)
    assert shown["minutes"] == shown["history"][-1]["minutes"]
    assert activities.db.outbox.count_documents({}) == shown["version"]


def test_what_is_not_banked_is_asked_again_with_the_same_row(activities):
    record = activities.confirmed()
    outbox = activities.db.outbox
    sent = {"sent_to": "log-1", "sent_at": clock.real_now()}
    name = {"_id": f"{record['record_id']}:1"}
    waited = []
    at = clock.real_now()
    for _ in range(9):
        outbox.update_one(name, {"$set": sent})
        assert activities.sweep(at) == 0
        due = activities.db.records.find_one({"_id": record["record_id"]})["ask_at"]
        waited.append(round((due - at).total_seconds()))
        at = due + timedelta(milliseconds=1)
        assert activities.sweep(at) == 1
        assert "sent_to" not in outbox.find_one(name)

    assert waited[:6] == [30, 60, 120, 240, 480, 960]
    assert set(waited[6:]) == {1800}
    activities.hear(points(record, version=1, n=7))
    assert activities.sweep(at + timedelta(days=1)) == 0


def test_a_question_whose_row_is_gone_is_put_there_once_more(activities):
    record = activities.confirmed()
    name = {"_id": f"{record['record_id']}:1"}
    told = activities.db.outbox.find_one_and_delete(name)

    assert activities.sweep(clock.real_now() + timedelta(minutes=1)) == 1

    again = activities.db.outbox.find_one(name)
    assert {part: again[part] for part in ("body", "key", "type", "topic")} == {
        part: told[part] for part in ("body", "key", "type", "topic")
    }


def test_a_repeated_confirmation_shows_the_record_as_it_is_now(activities):
    sign_up_id = activities.served("ada", activities.published()[0])
    path = f"/sign-ups/{sign_up_id}/service-records"
    first = activities.post(path, by=activities.leader, key="same")
    activities.hear(points(first.json, version=1, n=7))

    again = activities.post(path, by=activities.leader, key="same", Prefer="wait=5")

    assert (again.status_code, again.json["state"], again.json["posted_n"]) == (202, "BANKED", 7)
