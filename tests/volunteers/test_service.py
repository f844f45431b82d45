"""Minutes and stars: one row per record, replaced by newer versions only; totals are sums."""

from __future__ import annotations

import itertools
import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from shared import clock
from tests.volunteers.conftest import DISTRICT, ELSEWHERE, Desk, Signed, service_confirmed

pytestmark = pytest.mark.servers


def sums(desk: Desk, person: Signed) -> tuple[int, int, int]:
    shown = desk.get("/volunteers/me/stars", by=person).json
    return shown["credit_minutes"], shown["honorary_minutes"], shown["stars"]


def test_a_service_counts_once_however_often_it_is_told(desk: Desk) -> None:
    person = desk.register()
    for _ in range(3):
        desk.hear(service_confirmed(person.volunteer_id, minutes=65))

    assert sums(desk, person) == (65, 0, 0)
    (row,) = desk.get("/volunteers/me/service-minutes", by=person).json["items"]
    assert (row["record_id"], row["minutes"], row["kind"]) == ("r1", 65, "credit")


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_the_newest_version_counts_in_whatever_order_they_come(
    desk: Desk, order: tuple[int, ...]
) -> None:
    person = desk.register()
    minutes = {1: 120, 2: 30, 3: 90}
    for version in order:
        told = service_confirmed(person.volunteer_id, version=version, minutes=minutes[version])
        desk.hear(told)
        desk.hear(told)

    assert sums(desk, person) == (90, 0, 0)
    (row,) = desk.database.db.minutes.find()
    assert (row["version"], row["minutes"]) == (3, 90)


def test_a_batch_of_one_persons_services_is_summed_whole(desk: Desk) -> None:
    person, other = desk.register(), desk.register()
    told = [
        service_confirmed(
            who.volunteer_id,
            record=f"r{n}-{who.number}",
            minutes=n,
            kind="honorary" if n % 2 else "credit",
        )
        for n in range(1, 9)
        for who in (person, other)
    ]
    random.shuffle(told)

    assert desk.hear(*told) == []
    assert sums(desk, person) == sums(desk, other) == (2 + 4 + 6 + 8, 1 + 3 + 5 + 7, 0)


def test_services_heard_at_once_in_two_partitions_are_both_in_the_sum(desk: Desk) -> None:
    person = desk.register()
    told = [
        service_confirmed(person.volunteer_id, record=f"r{n}", minutes=10, district=district)
        for n, district in enumerate([DISTRICT, ELSEWHERE] * 6)
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(desk.hear, told))

    assert sums(desk, person) == (120, 0, 0)
    (tally,) = desk.database.db.tallies.find()
    assert tally["credit_minutes"] == sum(row["minutes"] for row in desk.database.db.minutes.find())


def test_a_version_that_names_another_person_is_an_alarm_and_changes_nothing(desk: Desk) -> None:
    person, other = desk.register(), desk.register()
    desk.hear(service_confirmed(person.volunteer_id, minutes=60))

    assert desk.hear(service_confirmed(other.volunteer_id, minutes=90, version=2)) == []
    assert (sums(desk, person), sums(desk, other)) == ((60, 0, 0), (0, 0, 0))
    assert [row["kind"] for row in desk.database.db.alarms.find()] == ["record-of-another"]
    assert desk.database.db.inbox.count_documents({}) == 1


def test_hours_make_stars_and_a_correction_takes_them_back(desk: Desk) -> None:
    person = desk.register()
    hours = [99 * 60 + 59, 1, 200 * 60]
    for n, minutes in enumerate(hours):
        desk.hear(service_confirmed(person.volunteer_id, record=f"r{n}", minutes=minutes))
        assert sums(desk, person)[2] == [0, 1, 2][n]

    desk.hear(service_confirmed(person.volunteer_id, record="r2", minutes=0, version=2))
    assert sums(desk, person) == (6000, 0, 1)
    (tally,) = desk.database.db.tallies.find()
    assert (tally["stars"], tally["revision"]) == (1, 4)


def test_a_district_decides_its_stars_from_a_day_on(
    desk: Desk, admin: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = desk.register()
    desk.hear(service_confirmed(person.volunteer_id, minutes=600))
    today = desk.get(f"/districts/{DISTRICT}/rules").json
    assert today["now"]["star_1_hours"] == 100

    tomorrow = clock.now() + timedelta(days=1)
    day = clock.local_date(tomorrow, desk.settings.time_zone)
    path = f"/districts/{DISTRICT}/rules"
    put = desk.put(path, {"starts_on": day, "star_1_hours": 10}, by=admin)

    assert put.status_code == 200
    assert sums(desk, person) == (600, 0, 0)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    assert desk.get(path).json["now"]["star_1_hours"] == 10
    assert sums(desk, person) == (600, 0, 1)
    day = clock.local_date(tomorrow + timedelta(days=1), desk.settings.time_zone)

    def code_of(body: Any, by: Signed = admin, district: str = DISTRICT) -> tuple[int, str]:
        answer = desk.put(f"/districts/{district}/rules", body, by=by)
        return answer.status_code, json.loads(answer.data)["code"]

    assert code_of({"starts_on": day, "star_2_hours": 10}) == (422, "stars-not-rising")
    assert code_of({"starts_on": "2020-01-01", "star_1_hours": 9}) == (422, "rules-in-the-past")
    assert code_of({"starts_on": day}) == (422, "invalid")
    assert code_of({"starts_on": day, "star_1_hours": 9}, person) == (403, "not-allowed")
    assert code_of({"starts_on": day, "star_1_hours": 9}, admin, ELSEWHERE) == (403, "not-allowed")
    assert code_of({"starts_on": day, "star_1_hours": 9}, admin, "430211001") == (404, "not-there")


def test_service_minutes_are_ones_own_and_come_in_pages(desk: Desk) -> None:
    person, other = desk.register(), desk.register()
    for n in range(5):
        desk.hear(service_confirmed(person.volunteer_id, record=f"r{n}", minutes=n))

    first = desk.get("/volunteers/me/service-minutes?limit=3", by=person).json
    rest = desk.get(f"/volunteers/me/service-minutes?limit=3&after={first['next']}", by=person).json

    assert [row["record_id"] for row in first["items"] + rest["items"]] == [
        "r4",
        "r3",
        "r2",
        "r1",
        "r0",
    ]
    assert rest["next"] is None
    assert desk.get("/volunteers/me/service-minutes", by=other).json["items"] == []
