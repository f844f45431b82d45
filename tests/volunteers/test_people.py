"""People and roles: who sees whom, who may make whom what."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared import auth
from shared.auth import KnownKeys, Role, Verifier
from tests.volunteers.conftest import COMMUNITY, DISTRICT, ELSEWHERE, STREET, Desk, Signed

pytestmark = pytest.mark.servers


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.data)["code"]


def grant(desk: Desk, by: Signed, to: Signed, role: object, region: str, **named: Any) -> Any:
    body = {"role": role, "region": region}
    return desk.post(f"/volunteers/{to.volunteer_id}/roles", body, by=by, **named)


def set_status(desk: Desk, by: Signed, person: Signed, status: str) -> Any:
    path = f"/volunteers/{person.volunteer_id}/status-changes"
    return desk.post(path, {"status": status, "reason": "检查"}, by=by)


def test_one_sees_and_changes_oneself_only_as_last_seen(desk: Desk) -> None:
    person = desk.register("张三")
    seen = desk.get("/volunteers/me", by=person)
    tag = seen.headers["ETag"]

    assert desk.get("/volunteers/me", by=person, If_None_Match=tag).status_code == 304
    assert code_of(desk.patch("/volunteers/me", {"name": "张四"}, by=person)) == (
        428,
        "if-match-missing",
    )
    changed = desk.patch("/volunteers/me", {"name": "张四"}, by=person, If_Match=tag)
    assert (changed.status_code, changed.json["name"]) == (200, "张四")
    assert changed.headers["ETag"] != tag
    stale = desk.patch("/volunteers/me", {"name": "张五"}, by=person, If_Match=tag)
    assert code_of(stale) == (412, "changed-meanwhile")
    for body in ({}, {"status": "closed"}, {"number": "1"}, {"name": None}, {"region": "x"}):
        answer = desk.patch("/volunteers/me", body, by=person, If_Match=tag)
        assert code_of(answer) == (422, "invalid")


def test_of_two_changes_at_once_one_is_told_that_it_was_changed(desk: Desk) -> None:
    person = desk.register("张三")
    tag = desk.get("/volunteers/me", by=person).headers["ETag"]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda name: desk.patch("/volunteers/me", {"name": name}, by=person, If_Match=tag),
                "甲乙丙丁",
            )
        )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


def test_moving_changes_the_region_and_tells_nobody(desk: Desk, admin: Signed) -> None:
    person = desk.register()
    tag = desk.get("/volunteers/me", by=person).headers["ETag"]
    moved = desk.patch("/volunteers/me", {"region": ELSEWHERE}, by=person, If_Match=tag)

    assert moved.json["region"] == ELSEWHERE
    assert desk.told(person) == [("VolunteerRegistered", 1)]
    assert desk.get(f"/volunteers/{person.volunteer_id}", by=admin).status_code == 404


def test_a_scope_sees_its_own_people_only(desk: Desk, admin: Signed) -> None:
    near, far = desk.register("近", COMMUNITY), desk.register("远", ELSEWHERE)
    leader = desk.appointed(admin, "organiser", STREET, region=DISTRICT)

    def seen(by: Signed, query: str = "") -> set[str]:
        return {row["volunteer_id"] for row in desk.get(f"/volunteers{query}", by=by).json["items"]}

    assert seen(leader) == {near.volunteer_id}
    assert near.volunteer_id in seen(admin)
    assert far.volunteer_id not in seen(admin)
    assert seen(leader, f"?region={DISTRICT}") == {near.volunteer_id}
    assert seen(leader, f"?region={COMMUNITY}") == {near.volunteer_id}
    assert code_of(desk.get(f"/volunteers?region={ELSEWHERE}", by=leader)) == (403, "not-allowed")
    assert desk.get(f"/volunteers/{near.volunteer_id}", by=leader).json["name"] == "近"
    for hidden in (far.volunteer_id, "nobody"):
        assert code_of(desk.get(f"/volunteers/{hidden}", by=leader)) == (404, "not-there")
    for path in ("/volunteers", f"/volunteers/{near.volunteer_id}"):
        assert code_of(desk.get(path, by=near)) == (403, "not-allowed")
        assert code_of(desk.get(path)) == (401, "not-signed-in")


def test_a_list_of_people_goes_on_where_it_ended(desk: Desk, admin: Signed) -> None:
    joined = [admin.volunteer_id, *(desk.register().volunteer_id for _ in range(4))]
    found: list[str] = []
    cursor = ""
    while True:
        answer = desk.get(f"/volunteers?limit=2{cursor}", by=admin).json
        found += [row["volunteer_id"] for row in answer["items"]]
        if not answer["next"]:
            break
        cursor = f"&after={answer['next']}"

    assert sorted(found) == sorted(joined)
    assert len(found) == 5


def test_a_roster_reads_names_of_the_district_and_numbers_of_all(desk: Desk, admin: Signed) -> None:
    near, far = desk.register("近", "430211002"), desk.register("远", ELSEWHERE)
    leader = desk.appointed(admin, "organiser", STREET)
    body = {"volunteer_ids": [near.volunteer_id, far.volunteer_id, "nobody", near.volunteer_id]}

    answer = desk.post("/volunteer-names", body, by=leader)

    assert answer.status_code == 200
    named = {row["volunteer_id"]: (row["number"], row["name"]) for row in answer.json["items"]}
    assert named == {
        near.volunteer_id: (near.number, "近"),
        far.volunteer_id: (far.number, None),
    }
    assert code_of(desk.post("/volunteer-names", body, by=near)) == (403, "not-allowed")
    for wrong in ([], ["x"] * 101, ["a:b"], [{"$ne": 1}], "x"):
        answer = desk.post("/volunteer-names", {"volunteer_ids": wrong}, by=leader)
        assert code_of(answer) == (422, "invalid")


def test_an_erased_person_has_no_name_any_more(desk: Desk, admin: Signed) -> None:
    person = desk.register()
    desk.database.db.person_keys.delete_one({"_id": person.volunteer_id})

    found = desk.get(f"/volunteers/{person.volunteer_id}", by=admin).json
    assert (found["number"], found["name"]) == (person.number, None)


def test_an_administrator_grants_within_the_own_scope_never_above(
    desk: Desk, admin: Signed
) -> None:
    street = desk.appointed(admin, "admin", STREET)
    person = desk.register(region=ELSEWHERE)  # one may serve where one does not live

    granted = grant(desk, street, person, "organiser", COMMUNITY)
    assert granted.status_code == 201
    assert (granted.json["role"], granted.json["region"]) == ("organiser", COMMUNITY)
    assert granted.json["granted_by"] == street.volunteer_id
    assert grant(desk, street, person, "admin", STREET).status_code == 201
    for above in (DISTRICT, "430211002", ELSEWHERE):
        assert code_of(grant(desk, street, person, "auditor", above)) == (403, "not-allowed")
    assert code_of(grant(desk, admin, person, "auditor", "430211009")) == (422, "unknown-region")
    for wrong in ("volunteer", "king", "", {"$ne": 1}):
        assert code_of(grant(desk, admin, person, wrong, STREET)) == (422, "invalid")
    assert code_of(grant(desk, person, street, "admin", STREET)) == (403, "not-allowed")
    nobody = Signed("nobody", "", "", "", "")
    assert code_of(grant(desk, admin, nobody, "auditor", STREET)) == (404, "not-there")


def test_a_new_role_is_in_the_next_token(desk: Desk, admin: Signed) -> None:
    person = desk.register()
    grant(desk, admin, person, "merchant", STREET)
    answer = desk.post("/session-refreshes", {"refresh_token": person.refresh})

    who = Verifier(KnownKeys(desk.settings.token_keys.keys)).principal(answer.json["access_token"])
    assert answer.json["roles"] == [{"role": "merchant", "region": STREET}]
    assert who.roles == (auth.Grant(Role.VOLUNTEER, ""), auth.Grant(Role.MERCHANT, STREET))


def test_a_role_is_granted_once_also_at_once(desk: Desk, admin: Signed) -> None:
    person = desk.register()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: grant(desk, admin, person, "auditor", STREET), range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert desk.database.db.grants.count_documents({"person_id": person.volunteer_id}) == 1


def test_a_revoked_role_is_gone_and_can_be_granted_again(desk: Desk, admin: Signed) -> None:
    person = desk.register()
    granted = grant(desk, admin, person, "organiser", STREET).json
    revoked = desk.post("/role-revocations", {"grant_id": granted["grant_id"]}, by=admin)
    again = desk.post("/role-revocations", {"grant_id": granted["grant_id"]}, by=admin)

    assert revoked.status_code == 201
    assert revoked.json["revoked_by"] == admin.volunteer_id
    assert code_of(again) == (409, "already-revoked")
    assert desk.get("/volunteers/me", by=person).json["roles"] == []
    assert grant(desk, admin, person, "organiser", STREET).status_code == 201
    listed = desk.get(f"/volunteers/{person.volunteer_id}/roles", by=admin).json["items"]
    assert [row["revoked_at"] is None for row in listed] == [False, True]


def test_a_role_of_another_scope_is_not_there_to_be_revoked(desk: Desk, admin: Signed) -> None:
    street, person = desk.appointed(admin, "admin", STREET), desk.register()
    above = grant(desk, admin, person, "organiser", DISTRICT).json

    answer = desk.post("/role-revocations", {"grant_id": above["grant_id"]}, by=street)
    assert code_of(answer) == (404, "not-there")
    assert desk.get(f"/volunteers/{person.volunteer_id}/roles", by=street).json["items"] == []


def test_a_token_older_than_a_revocation_grants_nothing(desk: Desk, admin: Signed) -> None:
    second = desk.appointed(admin, "admin", DISTRICT)
    person = desk.register()
    (listed,) = desk.get(f"/volunteers/{second.volunteer_id}/roles", by=admin).json["items"]
    desk.post("/role-revocations", {"grant_id": listed["grant_id"]}, by=admin)

    assert code_of(grant(desk, second, person, "admin", DISTRICT)) == (403, "not-allowed")
    assert code_of(set_status(desk, second, person, "frozen")) == (403, "not-allowed")


def test_a_status_is_changed_within_the_scope_and_told_with_the_next_version(
    desk: Desk, admin: Signed
) -> None:
    person, far = desk.register(), desk.register(region=ELSEWHERE)

    frozen = set_status(desk, admin, person, "frozen")
    same = set_status(desk, admin, person, "frozen")
    freed = set_status(desk, admin, person, "active")

    assert [answer.json["version"] for answer in (frozen, same, freed)] == [2, 2, 3]
    assert desk.told(person) == [
        ("VolunteerRegistered", 1),
        ("VolunteerStatusChanged", 2),
        ("VolunteerStatusChanged", 3),
    ]
    (row,) = desk.database.db.outbox.find({"_id": f"{person.volunteer_id}:2"})
    told = json.loads(row["body"])
    assert (told["status"], told["number"], told["region"]) == ("frozen", person.number, COMMUNITY)
    assert row["key"] == person.volunteer_id
    assert code_of(set_status(desk, admin, far, "frozen")) == (404, "not-there")
    assert code_of(set_status(desk, person, admin, "closed")) == (403, "not-allowed")
    assert code_of(set_status(desk, admin, person, "king")) == (422, "invalid")


def test_a_frozen_person_signs_in_and_a_closed_one_never_again(desk: Desk, admin: Signed) -> None:
    person = desk.register()
    set_status(desk, admin, person, "frozen")
    person = desk.refreshed(desk.sign_in(person.phone))
    set_status(desk, admin, person, "closed")

    assert code_of(desk.post("/sessions", desk.confirmed(person.phone))) == (403, "person-closed")
    refreshed = desk.post("/session-refreshes", {"refresh_token": person.refresh})
    assert code_of(refreshed) == (403, "person-closed")
    assert code_of(set_status(desk, admin, person, "active")) == (403, "person-closed")
    assert code_of(grant(desk, admin, person, "auditor", STREET)) == (403, "person-closed")


def test_two_changes_of_a_status_at_once_are_two_versions(desk: Desk, admin: Signed) -> None:
    person = desk.register()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda to: set_status(desk, admin, person, to), ["frozen", "closed"]))

    told = desk.told(person)
    assert [version for _, version in told] == list(range(1, len(told) + 1))
    row = desk.database.db.people.find_one({"_id": person.volunteer_id})
    assert row is not None
    assert (row["status"], row["version"]) == ("closed", len(told))


def test_regions_are_there_for_everybody(desk: Desk) -> None:
    districts = desk.get("/regions?level=district").json["items"]
    streets = desk.get(f"/regions?parent={DISTRICT}&limit=1").json
    more = desk.get(f"/regions?parent={DISTRICT}&limit=1&after={streets['next']}").json

    assert [row["name"] for row in districts] == ["天元区", "锦江区"]
    assert [row["name"] for row in streets["items"] + more["items"]] == ["嵩山路街道", "泰山路街道"]
    assert more["next"] is None
    assert desk.get(f"/regions/{COMMUNITY}").json == {
        "code": COMMUNITY,
        "name": "白鹤社区",
        "parent": STREET,
        "level": "community",
    }
    assert code_of(desk.get("/regions/999999")) == (404, "not-there")
    assert code_of(desk.get("/regions?level=planet")) == (422, "invalid")
