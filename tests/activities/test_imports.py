"""Importing a file over HTTP: accepted at once, carried on by the sweep, each row once."""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from shared.auth import Grant, Role
from shared.errors import Busy
from tests.activities.conftest import COMMUNITY, ELSEWHERE, STREET, Activities, read
from tests.activities.nyc import nyc_file, nyc_mapping

pytestmark = pytest.mark.servers

MESSY: tuple[dict[str, str], ...] = (
    {},
    {"title": ""},
    {"recurrence_type": "ongoing", "end_date_date": "February 05 2012"},
    {"start_date_date": "sometime"},
    {"opportunity_id": "5000", "title": "the first one's id again"},
    {"vol_requests": "none", "locality": ""},
    {"locality": ""},
)
"""Each but the last two over three lines, so they begin on lines 2, 5, 8, 11, 14, 17, 18."""


@pytest.fixture
def admin(activities: Activities) -> dict[str, str]:
    return activities.token("admin", Grant(Role.ADMIN, "430211"))


def carried_on(activities: Activities, admin: dict[str, str], answer: Any) -> Any:
    assert answer.status_code == 202, answer.json
    while True:
        moved = activities.sweep()
        shown = read(activities.get(f"/imports/{answer.json['import_id']}", admin))
        if shown["state"] == "done":
            return shown
        assert moved


def rows_of(activities: Activities, admin: dict[str, str], shown: Any, **query: Any) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        path = f"/imports/{shown['import_id']}/rows"
        page = read(activities.get(path, admin, limit=3, **query, **cursor))
        found += page["items"]
        if page["next"] is None:
            return found
        cursor = {"after": page["next"]}


def everything(activities: Activities) -> Any:
    kept = ("activities", "shifts")
    return [sorted(activities.db[name].find(), key=lambda row: row["_id"]) for name in kept]


def test_every_row_is_published_or_reported_with_its_line_and_reason(activities, admin):
    answer = activities.upload(nyc_file(*MESSY), nyc_mapping(), by=admin)

    assert (answer.json["state"], answer.json["rows"], answer.json["done"]) == ("accepted", 7, 0)
    shown = carried_on(activities, admin, answer)
    assert (shown["done"], shown["published"], shown["unchanged"], shown["rejected"]) == (
        7,
        3,
        0,
        4,
    )
    rejected = rows_of(activities, admin, shown, outcome="rejected")
    assert [(row["line"], row["reason"]) for row in rejected] == [
        (5, "no-title"),
        (11, "unreadable-start-date"),
        (14, "repeated"),
        (17, "unreadable-places"),
    ]
    published = rows_of(activities, admin, shown, outcome="published")
    assert [row["line"] for row in published] == [2, 8, 18]
    assert [row["line"] for row in rows_of(activities, admin, shown)] == [2, 5, 8, 11, 14, 17, 18]
    assert len(activities.get("/activities", limit=100).json["items"]) == 3
    assert activities.db.shifts.count_documents({"status": "published"}) == 1 + 4 + 1
    assert activities.db.import_files.count_documents({}) == 0


def test_the_same_file_again_changes_nothing(activities, admin):
    carried_on(activities, admin, activities.upload(nyc_file(*MESSY), nyc_mapping(), by=admin))
    before = everything(activities)
    activities.advance_to(activities.nine + timedelta(days=30))

    again = carried_on(
        activities, admin, activities.upload(nyc_file(*MESSY), nyc_mapping(), by=admin)
    )

    assert (again["published"], again["unchanged"], again["rejected"]) == (0, 3, 4)
    assert everything(activities) == before


def test_a_changed_row_of_a_known_id_is_reported_and_a_new_row_published(activities, admin):
    carried_on(activities, admin, activities.upload(nyc_file({}, {}), nyc_mapping(), by=admin))

    shown = carried_on(
        activities,
        admin,
        activities.upload(nyc_file({}, {"title": "other"}, {}), nyc_mapping(), by=admin),
    )

    assert (shown["published"], shown["unchanged"], shown["rejected"]) == (1, 1, 1)
    (rejected,) = rows_of(activities, admin, shown, outcome="rejected")
    assert (rejected["line"], rejected["reason"]) == (5, "imported-otherwise")


def test_two_imports_of_a_file_and_two_sweeps_at_once_publish_each_row_once(activities, admin):
    content = nyc_file(*({"locality": ""} for _ in range(60)))
    answers = [activities.upload(content, nyc_mapping(), by=admin) for _ in range(2)]

    def sweep() -> None:
        with suppress(Busy):  # as the worker does: the next second's sweep goes on
            activities.sweep()

    for _ in range(20):
        activities.at_once([sweep] * 2, threads=2)

    shown = [carried_on(activities, admin, answer) for answer in answers]
    assert sum(one["published"] for one in shown) == 60
    assert sum(one["unchanged"] for one in shown) == 60
    assert activities.db.activities.count_documents({}) == 60
    for one in shown:
        outcomes = Counter(row["outcome"] for row in rows_of(activities, admin, one))
        assert outcomes == {
            name: one[name] for name in ("published", "unchanged", "rejected") if one[name]
        }


def test_imported_activities_can_be_joined(activities, admin):
    mapping = nyc_mapping(regions=[COMMUNITY])
    carried_on(activities, admin, activities.upload(nyc_file({}), mapping, by=admin))

    (shift,) = activities.get(
        "/shifts", region=COMMUNITY, to=(activities.nine + timedelta(weeks=5)).isoformat()
    ).json["items"]

    assert shift["places"] == 15
    activities.signed_up("ada", shift["shift_id"])


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable-file"),
        (b"id,name\n1,2\n", "missing-columns"),
        (nyc_file({}).replace(b"February", b"F\xe9vrier"), "unreadable-file"),
        (nyc_file({}) + b'"open', "unreadable-file"),
        (nyc_file({}) + b"\0", "unreadable-file"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_at_once(activities, admin, content, code):
    answer = activities.upload(content, nyc_mapping(), by=admin)

    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert activities.db.imports.count_documents({}) == 0


@pytest.mark.parametrize(
    "mapping",
    [
        "{",
        "[]",
        '{"\\ud800": {}}',
        nyc_mapping(more=1),
        nyc_mapping(regions=["43"]),
        nyc_mapping(regions=[]),
        nyc_mapping(source={"$gt": ""}),
        nyc_mapping(columns={"title": "title"}),
        nyc_mapping(dates={"formats": ["%c"]}),
        nyc_mapping(times={"default_start": "25:00"}),
        nyc_mapping(regions=["430211001001", "430104001001"]),
    ],
)
def test_a_mapping_that_cannot_be_meant_is_refused_at_once(activities, admin, mapping):
    answer = activities.upload(nyc_file({}), mapping, by=admin)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


def test_only_who_leads_all_of_the_regions_imports_and_looks(activities, admin):
    content, mapping = nyc_file({}), nyc_mapping(regions=[COMMUNITY, ELSEWHERE])

    assert activities.upload(content, mapping, by=activities.token("ada")).status_code == 403
    too_far = activities.upload(content, mapping, by=activities.leader)
    assert (too_far.status_code, too_far.json["code"]) == (403, "not-allowed")
    own = activities.upload(content, nyc_mapping(regions=[COMMUNITY]), by=activities.leader)
    assert own.status_code == 202
    path = f"/imports/{own.json['import_id']}"
    assert activities.get(path, admin).status_code == 200
    stranger = activities.token("eve", Grant(Role.ORGANISER, STREET))
    assert activities.get(path, stranger).status_code == 404
    assert activities.get(f"{path}/rows", stranger).status_code == 404
    assert activities.get(path, activities.token("ada")).status_code == 403


def test_without_a_file_or_with_one_that_is_too_large_nothing_is_kept(activities, admin):
    none = activities.app.test_client().post(
        "/v1/imports", data={"mapping": "{}"}, headers={**admin, "Idempotency-Key": "a"}
    )
    assert none.status_code == 422
    more = activities.app.test_client().post(
        "/v1/imports",
        data={"file": (io.BytesIO(nyc_file({})), "a.csv"), "mapping": "{}", "status": "draft"},
        headers={**admin, "Idempotency-Key": "b"},
    )
    assert (more.status_code, list(more.json["errors"])) == (422, ["status"])
    huge = activities.upload(b"x" * (6 * 1024 * 1024), nyc_mapping(), by=admin)
    assert huge.status_code == 413
    assert activities.db.imports.count_documents({}) == 0


def test_a_file_of_five_mebibytes_is_taken(activities, admin):
    content = nyc_file(*({"summary": "x" * 3_500, "locality": ""} for _ in range(1_400)))
    assert 4_900_000 < len(content) < 5 * 1024 * 1024

    answer = activities.upload(content, nyc_mapping(), by=admin)

    assert (answer.status_code, answer.json["rows"]) == (202, 1_400)


def test_the_mapping_may_come_as_a_file_and_a_plain_field(activities, admin):
    for number, mapping in enumerate(
        ((io.BytesIO(json.dumps(nyc_mapping()).encode()), "m.json"), json.dumps(nyc_mapping()))
    ):
        answer = activities.app.test_client().post(
            "/v1/imports",
            data={"file": (io.BytesIO(nyc_file({})), "a.csv"), "mapping": mapping},
            headers={**admin, "Idempotency-Key": f"key-{number}"},
        )
        assert answer.status_code == 202, answer.json


def test_the_import_is_documented_as_a_form_with_files(activities):
    spec = activities.app.test_client().get("/openapi.json").json

    body = spec["paths"]["/v1/imports"]["post"]["requestBody"]
    assert list(body["content"]) == ["multipart/form-data"]
