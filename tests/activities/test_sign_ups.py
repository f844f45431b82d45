"""Signing up and withdrawing, one after the other and all at once, on the real database."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import chain

import pytest
from werkzeug.test import TestResponse

from shared import ids
from shared.events.volunteers import VolunteerRegistered, VolunteerStatusChanged
from tests.activities.conftest import ELSEWHERE, Activities, read
from tests.holding import held

pytestmark = pytest.mark.servers


def taken(activities: Activities, shift_id: str) -> int:
    return int(read(activities.get(f"/shifts/{shift_id}"))["taken"])


def refused(answer: object) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]  # type: ignore[attr-defined]


def check_counters(activities: Activities) -> None:
    """Places are what sign-ups stand, and diaries hold just these."""
    standing = list(activities.db.sign_ups.find({"state": "standing"}))
    by_shift = Counter(row["shift_id"] for row in standing)
    for shift in activities.db.shifts.find():
        assert shift["taken"] == by_shift[shift["_id"]] <= shift["places"]
    entered = {
        (diary["volunteer_id"], entry["sign_up_id"])
        for diary in activities.db.diaries.find()
        for entry in diary["entries"]
    }
    assert entered == {(row["volunteer_id"], row["_id"]) for row in standing}


def test_a_place_is_taken_once_and_told_to_its_volunteer_and_leader(activities):
    (shift_id,) = activities.published((0, 120, 3))
    ada = activities.token("ada")

    answer = activities.post(f"/shifts/{shift_id}/sign-ups", by=ada)

    assert answer.status_code == 201
    assert answer.json["state"] == "standing"
    assert answer.json["attendance"] is None
    assert taken(activities, shift_id) == 1
    sign_up_id = answer.json["sign_up_id"]
    for by in (ada, activities.leader):
        assert activities.get(f"/sign-ups/{sign_up_id}", by).json == answer.json
    assert activities.get("/sign-ups", ada).json["items"] == [answer.json]
    roster = activities.get(f"/shifts/{shift_id}/sign-ups", activities.leader).json
    assert roster == {"items": [answer.json], "next": None}
    assert refused(activities.get(f"/sign-ups/{sign_up_id}", activities.token("eve")))[0] == 404


def test_the_same_key_is_the_same_sign_up(activities):
    (shift_id,) = activities.published()
    key = ids.new_id()

    answers = [
        activities.post(f"/shifts/{shift_id}/sign-ups", by=activities.token("ada"), key=key)
        for _ in range(3)
    ]

    assert {answer.json["sign_up_id"] for answer in answers} == {answers[0].json["sign_up_id"]}
    assert taken(activities, shift_id) == 1


def test_each_no_has_its_reason(activities):
    shift_id, overlapping, long, full = activities.published(
        (0, 120, 5), (60, 120, 5), (120, 400, 5), (600, 60, 1)
    )
    draft = activities.post(
        "/activities",
        {
            "title": "草稿",
            "region": "430211001001",
            "shifts": [
                {
                    "starts_at": activities.nine.isoformat(),
                    "ends_at": (activities.nine + timedelta(hours=1)).isoformat(),
                    "places": 1,
                }
            ],
        },
        by=activities.leader,
    ).json["shifts"][0]["shift_id"]
    ada = activities.token("ada")
    activities.signed_up("ada", shift_id)
    activities.signed_up("bob", full)

    def ask(which: str) -> tuple[int, str]:
        return refused(activities.post(f"/shifts/{which}/sign-ups", by=ada))

    assert ask(shift_id) == (409, "already-signed-up")
    assert ask(overlapping) == (409, "overlapping-sign-up")
    assert ask(long) == (409, "too-many-hours")
    assert ask(full) == (409, "shift-full")
    assert ask(draft) == (404, "not-there")
    assert ask("no-such-shift") == (404, "not-there")
    activities.advance_to(activities.nine - timedelta(hours=2) + timedelta(seconds=1))
    carl = activities.token("carl")
    late = activities.post(f"/shifts/{shift_id}/sign-ups", by=carl)
    assert refused(late) == (409, "sign-up-closed")
    check_counters(activities)


def test_who_holds_a_place_of_a_full_shift_hears_that(activities):
    (shift_id,) = activities.published((0, 120, 1))
    activities.signed_up("ada", shift_id)

    answer = activities.post(f"/shifts/{shift_id}/sign-ups", by=activities.token("ada"))

    assert refused(answer) == (409, "already-signed-up")


def test_in_a_rush_each_hears_the_same_no_without_waiting_for_a_turn(activities):
    full, free, elsewhere = activities.published((0, 120, 1), (0, 120, 1), (60, 120, 1))
    activities.signed_up("ada", full)
    activities.signed_up("bob", elsewhere)
    now, fred = activities.nine, {"volunteer_id": "fred", "number": "1", "region": "430211001001"}
    activities.hear(VolunteerStatusChanged(version=1, status="frozen", at=now, **fred))

    def ask(person: str, shift_id: str) -> TestResponse:
        return activities.post(f"/shifts/{shift_id}/sign-ups", by=activities.token(person))

    calm = [refused(ask(person, full)) for person in ("ada", "bob", "carl", "fred")]
    with held(activities.database, f"shift:{full}"):
        rushed = [refused(ask(person, full)) for person in ("ada", "bob", "carl", "fred")]
    with held(activities.database, f"shift:{free}"):
        waiting = ask("carl", free)

    assert calm == rushed
    assert [code for _, code in rushed] == [
        "already-signed-up",
        "overlapping-sign-up",
        "shift-full",
        "volunteer-not-active",
    ]
    assert waiting.status_code == 503
    check_counters(activities)


def test_a_place_given_back_in_a_rush_is_taken_by_the_next(activities):
    (shift_id,) = activities.published((0, 120, 1))
    sign_up_id = activities.signed_up("ada", shift_id)
    path, carl = f"/shifts/{shift_id}/sign-ups", activities.token("carl")
    with held(activities.database, f"shift:{shift_id}"):
        early = activities.post(path, by=carl, key="early")
    activities.insist(f"/sign-ups/{sign_up_id}/withdrawals", by=activities.token("ada"))

    again, late = activities.post(path, by=carl, key="early"), activities.insist(path, by=carl)

    assert (early.status_code, again.status_code, late.status_code) == (409, 409, 201)
    assert again.json == early.json
    check_counters(activities)


def test_a_shift_over_midnight_stands_in_both_diaries(activities):
    late, next_morning = activities.published((14 * 60, 180, 5), (15 * 60 + 30, 180, 5))
    activities.signed_up("ada", late)

    answer = activities.post(f"/shifts/{next_morning}/sign-ups", by=activities.token("ada"))

    assert refused(answer) == (409, "overlapping-sign-up")
    assert activities.db.diaries.count_documents({"volunteer_id": "ada"}) == 2


def test_a_withdrawal_gives_the_place_back_once_and_one_may_sign_up_again(activities):
    (shift_id,) = activities.published((0, 120, 1))
    sign_up_id = activities.signed_up("ada", shift_id)
    ada = activities.token("ada")
    path = f"/sign-ups/{sign_up_id}/withdrawals"

    assert refused(activities.post(path, by=activities.token("eve")))[0] == 404
    withdrawn = activities.post(path, by=ada)
    again = activities.post(path, by=ada)

    assert (withdrawn.status_code, withdrawn.json["state"]) == (201, "withdrawn")
    assert refused(again) == (409, "already-withdrawn")
    assert taken(activities, shift_id) == 0
    activities.signed_up("ada", shift_id)
    check_counters(activities)


def test_it_is_too_late_to_withdraw_three_hours_before(activities):
    (shift_id,) = activities.published()
    sign_up_id = activities.signed_up("ada", shift_id)
    activities.advance_to(activities.nine - timedelta(hours=3) + timedelta(seconds=1))

    answer = activities.post(f"/sign-ups/{sign_up_id}/withdrawals", by=activities.token("ada"))

    assert refused(answer) == (409, "withdrawal-too-late")
    check_counters(activities)


def test_twenty_withdrawals_at_once_give_one_place_back(activities):
    (shift_id,) = activities.published((0, 120, 2))
    sign_up_id = activities.signed_up("ada", shift_id)
    activities.signed_up("bob", shift_id)
    ask = partial(
        activities.insist, f"/sign-ups/{sign_up_id}/withdrawals", by=activities.token("ada")
    )

    answers = activities.at_once([ask] * 20, threads=8)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 19}
    assert taken(activities, shift_id) == 1
    check_counters(activities)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_of_200_pairs_of_overlapping_sign_ups_at_once_exactly_one_of_each_wins(activities):
    shifts = activities.published((0, 120, 200), (60, 120, 200))

    def ask(person: str, shift_id: str) -> TestResponse:
        return activities.insist(f"/shifts/{shift_id}/sign-ups", by=activities.token(person))

    pairs = [[partial(ask, f"p{n}", shift_id) for shift_id in shifts] for n in range(200)]
    answers = activities.at_once(list(chain.from_iterable(pairs)), threads=2)

    for first, second in zip(answers[::2], answers[1::2], strict=True):
        assert sorted((first.status_code, second.status_code)) == [201, 409]
        lost = first if first.status_code == 409 else second
        assert lost.json["code"] == "overlapping-sign-up"
    assert activities.db.sign_ups.count_documents({"state": "standing"}) == 200
    check_counters(activities)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_of_200_people_for_20_places_at_once_exactly_20_win_and_all_are_answered(activities):
    (shift_id,) = activities.published((0, 120, 20))

    def ask(person: str) -> object:
        return activities.insist(f"/shifts/{shift_id}/sign-ups", by=activities.token(person))

    answers = activities.at_once([partial(ask, f"p{n}") for n in range(200)], threads=32)

    assert Counter(answer.status_code for answer in answers) == {201: 20, 409: 180}
    assert {a.json["code"] for a in answers if a.status_code == 409} == {"shift-full"}
    assert taken(activities, shift_id) == 20
    check_counters(activities)


def test_nobody_is_refused_while_a_place_is_free(activities):
    # Thirty stay and thirty leave again, eight at a time: of 38 places one is always free.
    (shift_id,) = activities.published((0, 120, 38))

    def come_and_go(person: str) -> object:
        answer = activities.insist(f"/shifts/{shift_id}/sign-ups", by=activities.token(person))
        if answer.status_code == 201 and int(person[1:]) % 2:
            sign_up_id = answer.json["sign_up_id"]
            activities.insist(f"/sign-ups/{sign_up_id}/withdrawals", by=activities.token(person))
        return answer

    answers = activities.at_once([partial(come_and_go, f"p{n}") for n in range(60)], threads=8)

    assert Counter(answer.status_code for answer in answers) == {201: 60}
    assert taken(activities, shift_id) == 30
    check_counters(activities)


def test_the_frozen_are_refused_and_a_copy_takes_only_what_is_newer(activities):
    (shift_id,) = activities.published()
    changed = {"volunteer_id": "ada", "number": "1", "region": "430211001001"}
    now = activities.nine
    activities.hear(VolunteerStatusChanged(version=3, status="frozen", at=now, **changed))
    activities.hear(VolunteerStatusChanged(version=2, status="active", at=now, **changed))
    activities.hear(VolunteerRegistered(version=1, status="active", at=now, **changed))

    answer = activities.post(f"/shifts/{shift_id}/sign-ups", by=activities.token("ada"))

    assert refused(answer) == (403, "volunteer-not-active")
    activities.hear(VolunteerStatusChanged(version=4, status="active", at=now, **changed))
    activities.signed_up("ada", shift_id)


def test_a_closed_activity_takes_nobody_and_a_roster_is_its_leaders(activities):
    (shift_id,) = activities.published()
    activity_id = activities.get(f"/shifts/{shift_id}").json["activity_id"]
    closed = activities.post(f"/activities/{activity_id}/closures", by=activities.leader)

    assert closed.json["status"] == "closed"
    answer = activities.post(f"/shifts/{shift_id}/sign-ups", by=activities.token("ada"))
    assert refused(answer) == (409, "sign-up-closed")
    (elsewhere,) = activities.published(region=ELSEWHERE)
    roster = activities.get(f"/shifts/{elsewhere}/sign-ups", activities.leader)
    assert refused(roster) == (404, "not-there")
    assert (
        activities.get(f"/shifts/{shift_id}/sign-ups", activities.token("ada")).status_code == 403
    )
