"""Drafting, publishing, closing, changing and looking at activities over HTTP."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared.auth import Grant, Role
from tests.activities.conftest import COMMUNITY, ELSEWHERE, STREET, Activities

pytestmark = pytest.mark.servers


def draft(activities: Activities, *, by: dict[str, str] | None = None, **changes: Any) -> Any:
    body = {
        "title": "清扫社区花园 · Garden cleaning",
        "summary": "两小时",
        "region": COMMUNITY,
        "kind": "环境",
        "shifts": [slot(activities)],
    }
    return activities.post(
        "/activities", body | changes, by=activities.leader if by is None else by
    )


def slot(activities: Activities, after: timedelta = timedelta(), places: int = 3) -> dict[str, Any]:
    return {
        "starts_at": (activities.nine + after).isoformat(),
        "ends_at": (activities.nine + after + timedelta(hours=1)).isoformat(),
        "places": places,
    }


def patch(
    activities: Activities, activity_id: str, body: Any, tag: str | None, by: dict[str, str]
) -> Any:
    headers = by | ({} if tag is None else {"If-Match": tag})
    return activities.app.test_client().patch(
        f"/v1/activities/{activity_id}", json=body, headers=headers
    )


def test_a_draft_is_its_leaders_until_it_is_published(activities):
    made = draft(activities).json
    activity_id, (shift,) = made["activity_id"], made["shifts"]

    assert (made["status"], made["district"], shift["minutes"]) == ("draft", "430211", 60)
    assert activities.get(f"/activities/{activity_id}").status_code == 404
    assert activities.get(f"/activities/{activity_id}/shifts").status_code == 404
    assert activities.get("/activities").json["items"] == []
    assert activities.get("/activities", status="draft").status_code == 401
    shown = activities.get(f"/activities/{activity_id}", activities.leader)
    assert (shown.status_code, shown.json["title"]) == (200, made["title"])
    drafts = activities.get("/activities", activities.leader, status="draft").json["items"]
    assert [item["activity_id"] for item in drafts] == [activity_id]
    assert activities.get("/activities", activities.token("ada"), status="draft").json == {
        "items": [],
        "next": None,
    }

    said = activities.post(f"/activities/{activity_id}/publications", by=activities.leader)

    assert (said.status_code, said.json["status"]) == (201, "published")
    assert activities.get(f"/activities/{activity_id}").json == said.json
    assert activities.get(f"/shifts/{shift['shift_id']}").json["status"] == "published"
    again = activities.post(f"/activities/{activity_id}/publications", by=activities.leader)
    assert again.json["code"] == "activity-not-draft"


def test_only_who_leads_the_region_drafts_and_publishes(activities):
    stranger = activities.token("eve", Grant(Role.ORGANISER, ELSEWHERE))
    merchant = activities.token("meg", Grant(Role.MERCHANT, STREET))

    assert draft(activities, by=stranger).json["code"] == "not-allowed"
    assert draft(activities, by=merchant).status_code == 403
    assert draft(activities, by={}).status_code == 401
    assert draft(activities, region="430211").status_code == 403
    made = draft(activities).json
    for way in ("publications", "closures"):
        path = f"/activities/{made['activity_id']}/{way}"
        assert activities.post(path, by=stranger).status_code == 404
        assert activities.post(path, by=merchant).status_code == 403
    community = activities.token("carl", Grant(Role.ADMIN, COMMUNITY))
    published = activities.post(f"/activities/{made['activity_id']}/publications", by=community)
    assert published.status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": {"$ne": ""}},
        {"title": "a\0b"},
        {"region": "43021"},
        {"status": "published"},
        {"shifts": [{"starts_at": "2026-11-23T09:00:00"}]},
        {"shifts": [{}]},
        {"shifts": "none"},
        {"taken": 5},
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_kept(activities, wrong):
    answer = draft(activities, **wrong)

    assert answer.status_code in (400, 422)
    assert activities.db.activities.count_documents({}) == 0


def test_a_shift_in_the_past_is_neither_drafted_nor_published(activities):
    past = draft(activities, shifts=[slot(activities, timedelta(days=-3))])
    assert past.json["code"] == "shift-in-the-past"
    made = draft(activities).json
    empty = draft(activities, shifts=[]).json
    path = f"/activities/{empty['activity_id']}/publications"
    assert activities.post(path, by=activities.leader).json["code"] == "no-shifts"
    activities.advance_to(activities.nine + timedelta(minutes=1))

    late = activities.post(f"/activities/{made['activity_id']}/publications", by=activities.leader)

    assert late.json["code"] == "shift-in-the-past"


def test_a_shift_may_be_added_until_the_activity_is_closed(activities):
    made = draft(activities).json
    path = f"/activities/{made['activity_id']}"
    activities.post(f"{path}/publications", by=activities.leader)

    added = activities.post(
        f"{path}/shifts", slot(activities, timedelta(days=1)), by=activities.leader
    )

    assert (added.status_code, added.json["status"], added.json["taken"]) == (201, "published", 0)
    shown = activities.get(path).json
    assert shown["shifts_count"] == 2
    assert shown["last_starts_at"] == added.json["starts_at"]
    listed = activities.get(f"{path}/shifts").json["items"]
    assert [shift["shift_id"] for shift in listed] == [
        made["shifts"][0]["shift_id"],
        added.json["shift_id"],
    ]
    activities.post(f"{path}/closures", by=activities.leader)
    late = activities.post(
        f"{path}/shifts", slot(activities, timedelta(days=2)), by=activities.leader
    )
    assert late.json["code"] == "activity-closed"


def test_shifts_added_and_a_publication_at_once_leave_none_behind(activities):
    made = draft(activities).json
    path = f"/activities/{made['activity_id']}"
    asks = [
        partial(
            activities.post,
            f"{path}/shifts",
            slot(activities, timedelta(days=day)),
            by=activities.leader,
        )
        for day in range(1, 6)
    ]
    asks.insert(2, partial(activities.insist, f"{path}/publications", by=activities.leader))

    answers = activities.at_once(asks, threads=4)

    assert {answer.status_code for answer in answers} <= {201, 503}
    shifts = activities.get(f"{path}/shifts").json["items"]
    assert {shift["status"] for shift in shifts} == {"published"}
    assert activities.get(path).json["shifts_count"] == len(shifts)


def test_a_change_wants_the_tag_that_was_last_seen(activities):
    activity_id = draft(activities).json["activity_id"]
    tag = activities.get(f"/activities/{activity_id}", activities.leader).headers["ETag"]
    leader = activities.leader

    assert patch(activities, activity_id, {"title": "新"}, None, leader).status_code == 428
    changed = patch(activities, activity_id, {"title": "新"}, tag, leader)
    assert (changed.status_code, changed.json["title"], changed.json["kind"]) == (200, "新", "环境")
    assert patch(activities, activity_id, {"title": "旧"}, tag, leader).status_code == 412
    newer = changed.headers["ETag"]
    assert patch(activities, activity_id, {"region": ELSEWHERE}, newer, leader).status_code == 422
    stranger = activities.token("eve", Grant(Role.ORGANISER, ELSEWHERE))
    assert patch(activities, activity_id, {"title": "x"}, newer, stranger).status_code == 404
    seen = activities.app.test_client().get(
        f"/v1/activities/{activity_id}", headers=leader | {"If-None-Match": newer}
    )
    assert seen.status_code == 304


def test_lists_come_in_pages_by_region(activities):
    admin = activities.token("admin", Grant(Role.ADMIN, "430211"))
    for number in range(5):
        region = COMMUNITY if number % 2 else ELSEWHERE
        made = draft(activities, by=admin, region=region, title=f"活动 {number}").json
        activities.post(f"/activities/{made['activity_id']}/publications", by=admin)

    def titles(**query: Any) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = activities.get("/activities", limit=2, **query, **cursor).json
            assert len(page["items"]) <= 2
            found += [item["title"] for item in page["items"]]
            if page["next"] is None:
                return found
            cursor = {"after": page["next"]}

    assert titles() == [f"活动 {n}" for n in range(5)]
    assert titles(region="430211") == [f"活动 {n}" for n in range(5)]
    assert titles(region=STREET) == ["活动 1", "活动 3"]
    assert titles(region=ELSEWHERE) == ["活动 0", "活动 2", "活动 4"]
    assert titles(region="430104") == []
    assert titles(status="closed") == []
    assert titles(starts_after=activities.nine.isoformat()) == []
    assert activities.get("/activities", limit=101).status_code == 422
    assert activities.get("/activities", region="4302").status_code == 422


def test_shifts_are_listed_by_time_within_bounds(activities):
    shifts = activities.published((300, 60, 1), (0, 60, 1), (3 * 1440, 60, 1))
    by_time = [shifts[1], shifts[0], shifts[2]]

    def names(**query: Any) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = activities.get("/shifts", limit=2, **query, **cursor).json
            found += [item["shift_id"] for item in page["items"]]
            if page["next"] is None:
                return found
            cursor = {"after": page["next"]}

    at = {minutes: (activities.nine + timedelta(minutes=minutes)) for minutes in (0, 1, 300)}
    assert names() == by_time
    assert names(region=COMMUNITY) == by_time
    assert names(region=ELSEWHERE) == []
    assert names(**{"from": at[0].isoformat(), "to": at[300].isoformat()}) == by_time[:1]
    assert names(**{"from": at[1].isoformat()}) == by_time[1:]


def test_rules_change_from_a_day_to_come_by_the_districts_admin(activities):
    def put(body: Any, **grants: str) -> Any:
        by = activities.token("x", *(Grant(Role(role), code) for role, code in grants.items()))
        return activities.app.test_client().put("/v1/districts/430211/rules", json=body, headers=by)

    today = (activities.nine - timedelta(days=1)).date().isoformat()
    next_day = (activities.nine + timedelta(days=1)).date().isoformat()
    change = {"starts_on": next_day, "minimum_share_percent": 50}

    assert put(change, organiser="430211").status_code == 403
    assert put(change, admin=STREET).json["code"] == "not-allowed"
    assert put({**change, "starts_on": today}, admin="430211").json["code"] == "rules-in-the-past"
    assert put({**change, "minimum_share_percent": 101}, admin="430211").status_code == 422
    assert put({**change, "_id": "x"}, admin="430211").status_code == 422
    assert put({"starts_on": next_day}, admin="430211").status_code == 422
    assert put(change, admin="430211").status_code == 200
    shown = activities.get("/districts/430211/rules").json
    assert shown["now"]["minimum_share_percent"] == 60
    assert [(row["starts_on"], row["values"]) for row in shown["items"]] == [
        (next_day, {"minimum_share_percent": 50})
    ]
    activities.advance_to(activities.nine + timedelta(days=2))
    shown = activities.get("/districts/430211/rules").json
    assert shown["now"]["minimum_share_percent"] == 50
    assert activities.get("/districts/430211001/rules").status_code == 404
