"""Checking in and out over HTTP, by code and by hand, and what was forgotten."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from werkzeug.test import TestResponse

from shared.auth import Grant, Role
from tests.activities.conftest import COMMUNITY, ELSEWHERE, Activities, read

pytestmark = pytest.mark.servers


def code(activities: Activities, shift_id: str) -> str:
    answer = activities.get(f"/shifts/{shift_id}/check-in-code", activities.leader)
    assert answer.status_code == 200, answer.json
    return str(read(answer)["code"])


def test_a_volunteer_checks_in_and_out_by_the_code_of_the_moment(activities):
    (shift_id,) = activities.published()
    sign_up_id = activities.signed_up("ada", shift_id)
    ada = activities.token("ada")
    activities.advance_to(activities.nine)

    came = activities.post(
        f"/sign-ups/{sign_up_id}/check-ins", {"code": code(activities, shift_id)}, by=ada
    )
    activities.advance_to(activities.nine + timedelta(minutes=100, seconds=5))
    went = activities.post(
        f"/sign-ups/{sign_up_id}/check-outs", {"code": code(activities, shift_id)}, by=ada
    )

    assert (came.status_code, came.json["attendance"]["state"]) == (201, "present")
    assert (went.status_code, went.json["attendance"]["state"]) == (201, "left")
    assert went.json["attendance"]["minutes"] == 100
    assert activities.get(f"/sign-ups/{sign_up_id}", ada).json == went.json


def test_without_the_code_with_another_or_with_an_old_one_nobody_checks_in(activities):
    shift_id, other = activities.published((0, 120, 5), (300, 60, 5))
    sign_up_id = activities.signed_up("ada", shift_id)
    ada = activities.token("ada")
    path = f"/sign-ups/{sign_up_id}/check-ins"
    activities.advance_to(activities.nine)
    photographed, others = code(activities, shift_id), code(activities, other)
    activities.advance_to(activities.nine + timedelta(seconds=31))

    answers = [
        activities.post(path, body, by=ada)
        for body in ({}, {"code": others}, {"code": photographed}, {"code": {"$ne": ""}})
    ]

    assert [(a.status_code, a.json["code"]) for a in answers] == [
        (422, "code-needed"),
        (403, "wrong-code"),
        (403, "code-expired"),
        (422, "invalid"),
    ]


def test_only_who_leads_the_region_sees_the_code_and_checks_others_in(activities):
    (shift_id,) = activities.published()
    sign_up_id = activities.signed_up("ada", shift_id)
    activities.advance_to(activities.nine)
    stranger = activities.token("eve", Grant(Role.ORGANISER, ELSEWHERE))

    assert activities.get(f"/shifts/{shift_id}/check-in-code", stranger).status_code == 404
    assert activities.post(f"/sign-ups/{sign_up_id}/check-ins", by=stranger).status_code == 404
    plain = activities.token("bob")
    assert activities.get(f"/shifts/{shift_id}/check-in-code", plain).status_code == 403
    assert activities.post(f"/sign-ups/{sign_up_id}/check-ins", by=plain).status_code == 404


def test_an_organiser_who_serves_needs_the_code_too(activities):
    (shift_id,) = activities.published()
    serving = activities.token("olga", Grant(Role.ORGANISER, COMMUNITY))
    sign_up_id = activities.post(f"/shifts/{shift_id}/sign-ups", by=serving).json["sign_up_id"]
    activities.advance_to(activities.nine)

    answer = activities.post(f"/sign-ups/{sign_up_id}/check-ins", by=serving)

    assert answer.json["code"] == "code-needed"


def test_nobody_is_checked_in_at_two_shifts_at_once(activities):
    first, second = activities.published((0, 45, 5), (45, 45, 5))
    sign_ups = [activities.signed_up("ada", shift_id) for shift_id in (first, second)]
    activities.advance_to(activities.nine + timedelta(minutes=20))

    def ask(sign_up_id: str, way: str) -> TestResponse:
        return activities.insist(f"/sign-ups/{sign_up_id}/{way}", by=activities.leader)

    answers = activities.at_once([partial(ask, s, "check-ins") for s in sign_ups] * 3, threads=6)

    won = [a for a in answers if a.status_code == 201]
    assert len(won) == 1
    assert Counter(a.json["code"] for a in answers if a.status_code != 201) == {
        "already-checked-in": 2,
        "checked-in-elsewhere": 3,
    }
    there = won[0].json["sign_up_id"]
    assert ask(there, "check-outs").status_code == 201
    assert ask((set(sign_ups) - {there}).pop(), "check-ins").status_code == 201


def test_nobody_is_at_two_shifts_on_both_sides_of_midnight(activities):
    until_midnight, after_midnight = activities.published((14 * 60 + 30, 30, 5), (15 * 60, 60, 5))
    sign_ups = [activities.signed_up("ada", s) for s in (until_midnight, after_midnight)]
    activities.advance_to(activities.nine + timedelta(hours=14, minutes=45))

    answers = [
        activities.post(f"/sign-ups/{sign_up_id}/check-ins", by=activities.leader)
        for sign_up_id in sign_ups
    ]

    assert answers[0].status_code == 201
    assert answers[1].json["code"] == "checked-in-elsewhere"


def test_a_check_in_and_a_withdrawal_at_once_do_not_both_stand(activities):
    # Rules of another district's taste could let the two times overlap; so the rules are bent here.
    (shift_id,) = activities.published()
    activities.db.rules.insert_one(
        {
            "_id": "430211:2020-01-01",
            "district": "430211",
            "starts_on": "2020-01-01",
            "starts_at": activities.nine - timedelta(days=1000),
            "values": {"withdrawal_closes_minutes": 0, "check_in_opens_minutes": 240},
        }
    )
    people = [f"p{n}" for n in range(10)]
    sign_ups = {person: activities.signed_up(person, shift_id) for person in people}
    activities.advance_to(activities.nine - timedelta(hours=1))
    asks = []
    for person, sign_up_id in sign_ups.items():
        for way, by in (
            ("check-ins", activities.leader),
            ("withdrawals", activities.token(person)),
        ):
            asks.append(partial(activities.insist, f"/sign-ups/{sign_up_id}/{way}", by=by))

    answers = activities.at_once(asks, threads=4)

    for came, withdrew in zip(answers[::2], answers[1::2], strict=True):
        assert sorted((came.status_code, withdrew.status_code)) == [201, 409]
    there = activities.db.attendances.count_documents({})
    assert there == activities.get(f"/shifts/{shift_id}").json["taken"]


def test_a_forgotten_check_out_is_closed_by_the_sweep_and_the_person_is_free(activities):
    first, second = activities.published((0, 60, 5), (120, 60, 5))
    forgot = activities.signed_up("ada", first)
    activities.signed_up("bob", first)
    next_one = activities.signed_up("ada", second)
    activities.advance_to(activities.nine)
    assert activities.post(f"/sign-ups/{forgot}/check-ins", by=activities.leader).status_code == 201
    activities.advance_to(activities.nine + timedelta(minutes=89))
    assert activities.sweep() == 0
    activities.advance_to(activities.nine + timedelta(minutes=91))

    late = activities.post(f"/sign-ups/{forgot}/check-outs", by=activities.leader)
    assert late.json["code"] == "check-out-closed"
    assert activities.sweep() == 1
    assert activities.sweep() == 0

    attendance = activities.get(f"/sign-ups/{forgot}", activities.leader).json["attendance"]
    assert attendance["state"] == "forgotten"
    assert attendance["minutes"] >= 59
    assert attendance["decide_until"] is not None
    came = activities.post(f"/sign-ups/{next_one}/check-ins", by=activities.leader)
    assert came.status_code == 201


def test_who_forgot_to_check_out_may_check_in_elsewhere_before_the_sweep_came(activities):
    first, second = activities.published((0, 60, 5), (120, 60, 5))
    forgot, next_one = (activities.signed_up("ada", s) for s in (first, second))
    activities.advance_to(activities.nine)
    activities.post(f"/sign-ups/{forgot}/check-ins", by=activities.leader)
    activities.advance_to(activities.nine + timedelta(minutes=91))

    came = activities.post(f"/sign-ups/{next_one}/check-ins", by=activities.leader)

    assert came.status_code == 201
    attendance = activities.get(f"/sign-ups/{forgot}", activities.leader).json["attendance"]
    assert attendance["state"] == "forgotten"
    assert activities.sweep() == 0


def test_the_rules_of_the_shifts_own_day_decide(activities):
    admin = activities.token("admin", Grant(Role.ADMIN, "430211"))
    today, next_week = activities.published((0, 120, 5), (7 * 1440, 120, 5))
    day = (activities.nine + timedelta(days=3)).date().isoformat()
    change = {"starts_on": day, "minimum_share_percent": 10, "sign_up_closes_minutes": 0}
    put = activities.app.test_client().put("/v1/districts/430211/rules", json=change, headers=admin)
    assert put.status_code == 200, put.json

    early = activities.signed_up("ada", today)
    activities.advance_to(activities.nine - timedelta(minutes=30))
    assert (
        activities.post(f"/shifts/{today}/sign-ups", by=activities.token("bob")).json["code"]
        == "sign-up-closed"
    )
    activities.post(f"/sign-ups/{early}/check-ins", by=activities.leader)
    activities.advance_to(activities.nine + timedelta(minutes=30))
    activities.post(f"/sign-ups/{early}/check-outs", by=activities.leader)
    activities.advance_to(activities.nine + timedelta(days=7, minutes=-1))
    later = activities.signed_up("ada", next_week)
    activities.post(f"/sign-ups/{later}/check-ins", by=activities.leader)
    activities.advance_to(activities.nine + timedelta(days=7, minutes=30))
    activities.post(f"/sign-ups/{later}/check-outs", by=activities.leader)

    minutes = [
        activities.post(f"/sign-ups/{s}/service-records", by=activities.leader).json["minutes"]
        for s in (early, later)
    ]
    assert minutes[0] == 0
    assert minutes[1] >= 29
