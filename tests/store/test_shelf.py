"""Merchants, their staff and their shelf over HTTP: who may do what, and who sees what."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from shared import clock
from shared.auth import Grant, Role
from tests.store.conftest import (
    ADMIN_HERE,
    DISTRICT,
    ELSEWHERE,
    MERCHANT_HERE,
    STREET,
    Store,
    at_once,
    let_pass,
    made,
    outcome,
    refusal,
)

pytestmark = pytest.mark.servers

APPLICATION = {"name": "粮油店", "kind": "merchant", "region": STREET}
NEIGHBOUR = "430211002"


def test_a_merchant_applies_and_is_approved_by_the_administrator_of_its_region(store: Store):
    applied = made(store.staff().post("/merchants", APPLICATION))
    path = f"/merchants/{applied['merchant_id']}"

    assert (applied["status"], applied["staff"], applied["district"]) == (
        "applied",
        ["wang"],
        DISTRICT,
    )
    for region in (ELSEWHERE, NEIGHBOUR):
        stranger = store.person("other", Grant(Role.ADMIN, region))
        assert refusal(stranger.post(f"{path}/approvals")) == "not-there"
    assert refusal(store.staff().post(f"{path}/approvals")) == "not-allowed"
    of_the_street = store.person("street", Grant(Role.ADMIN, STREET))
    assert made(of_the_street.post(f"{path}/approvals"))["status"] == "approved"
    assert made(store.admin.post(f"{path}/approvals"))["status"] == "approved"


def test_nobody_applies_beyond_their_role_or_approves_their_own(store: Store):
    elsewhere = {**APPLICATION, "region": ELSEWHERE}
    assert refusal(store.staff().post("/merchants", elsewhere)) == "not-allowed"
    assert refusal(store.person("ada").post("/merchants", APPLICATION)) == "not-allowed"

    both = store.person("wang", MERCHANT_HERE, ADMIN_HERE)
    merchant = made(both.post("/merchants", APPLICATION))["merchant_id"]
    assert refusal(both.post(f"/merchants/{merchant}/approvals")) == "own-merchant"


def test_a_merchant_is_seen_by_all_once_approved_and_inside_only_by_its_own(store: Store):
    merchant = store.applied()
    ada, auditor = store.person("ada"), store.person("auditor", Grant(Role.AUDITOR, DISTRICT))
    path = f"/merchants/{merchant}"

    assert refusal(ada.get(path)) == "not-there"
    assert made(auditor.get(path), 200)["staff"] == ["wang"]
    made(store.admin.post(f"{path}/approvals"))

    outside = {"merchant_id", "district", "region", "name", "kind", "introduction", "status"}
    assert set(made(ada.get(path), 200)) == outside
    assert set(made(store.staff("li").get(path), 200)) == outside
    assert set(made(store.staff().get(path), 200)) > outside
    assert refusal(ada.get("/merchants/no-such")) == "not-there"


def test_merchants_are_listed_by_region_status_and_person(store: Store):
    approved, applied = store.merchant("wang"), store.applied("li")
    ada, here = store.person("ada"), f"?region={STREET}"

    def listed(answer: object) -> list[str]:
        return [one["merchant_id"] for one in made(answer, 200)["items"]]

    assert listed(ada.get("/merchants")) == [approved]
    assert listed(ada.get(f"/merchants{here}")) == [approved]
    assert listed(ada.get(f"/merchants?region={ELSEWHERE}")) == []
    assert listed(store.admin.get(f"/merchants{here}&status=applied")) == [applied]
    assert listed(store.staff("li").get("/merchants?mine=true")) == [applied]
    assert refusal(ada.get(f"/merchants{here}&status=applied")) == "not-allowed"
    assert refusal(store.admin.get("/merchants?status=applied")) == "not-allowed"


def test_staff_are_added_and_removed_by_staff_never_the_last_one(store: Store):
    merchant = store.merchant()
    staff, removals = f"/merchants/{merchant}/staff", f"/merchants/{merchant}/staff-removals"
    li, wang = {"volunteer_id": "li"}, {"volunteer_id": "wang"}

    assert refusal(store.staff("li").post(staff, li)) == "not-there"
    assert refusal(store.staff().post(removals, wang)) == "last-staff-person"
    assert made(store.staff().post(staff, li))["staff"] == ["wang", "li"]
    assert made(store.staff("li").post(removals, wang))["staff"] == ["li"]
    assert refusal(store.staff("wang").post(staff, wang)) == "not-there"


def test_two_who_remove_each_other_at_once_leave_one(store: Store):
    def remove(path: str, *, by: str, whom: str) -> Any:
        return store.staff(by).post(path, {"volunteer_id": whom})

    for _ in range(10):
        merchant = store.merchant()
        path = f"/merchants/{merchant}/staff"
        made(store.staff().post(path, {"volunteer_id": "li"}))

        at_once(
            partial(remove, f"{path}-removals", by="wang", whom="li"),
            partial(remove, f"{path}-removals", by="li", whom="wang"),
        )

        assert len(store.db.merchants.find_one({"_id": merchant})["staff"]) == 1


def test_an_item_is_put_on_the_shelf_by_its_staff_and_seen_by_everybody(store: Store):
    merchant = store.merchant()
    item = store.item(merchant, pieces=10, description="东北大米")
    nobody = store.app.test_client()

    shown = made(nobody.get(f"/v1/items/{item}"), 200)

    assert (shown["merchant_name"], shown["price"], shown["free"]) == ("粮油店", 150, 10)
    assert not {"reserved", "gone", "received"} & set(shown)
    assert {"reserved", "gone", "received"} <= set(made(store.staff().get(f"/items/{item}"), 200))
    body = {"title": "油", "kind": "goods", "price": 1, "pieces": 1}
    assert refusal(store.staff("li").post(f"/merchants/{merchant}/items", body)) == "not-there"


def test_the_shelf_shows_what_approved_merchants_offer(store: Store):
    approved, applied = store.merchant("wang"), store.applied("li")
    on_shelf, hidden = store.item(approved), store.item(applied, staff="li")
    off_shelf = store.item(approved)
    tag = store.staff().get(f"/items/{off_shelf}").headers["ETag"]
    made(store.staff().patch(f"/items/{off_shelf}", {"status": "off_shelf"}, If_Match=tag), 200)
    ada = store.person("ada")

    def listed(answer: object) -> set[str]:
        return {one["item_id"] for one in made(answer, 200)["items"]}

    assert listed(ada.get(f"/items?region={STREET}")) == {on_shelf}
    assert listed(ada.get(f"/items?region={ELSEWHERE}")) == set()
    assert listed(ada.get(f"/items?merchant_id={approved}")) == {on_shelf}
    assert listed(ada.get(f"/items?merchant_id={applied}")) == set()
    assert listed(store.staff("li").get(f"/items?merchant_id={applied}")) == {hidden}
    assert listed(store.staff().get(f"/items?merchant_id={approved}")) == {on_shelf, off_shelf}
    for item in (hidden, off_shelf):
        assert refusal(ada.get(f"/items/{item}")) == "not-there"
    made(store.admin.post(f"/merchants/{approved}/suspensions", {"reason": "-"}))
    assert listed(ada.get("/items")) == set()


def test_the_shelf_is_read_page_by_page(store: Store):
    merchant = store.merchant()
    items = [store.item(merchant) for _ in range(5)]
    found, after = [], ""

    while True:
        page = made(store.person("ada").get(f"/items?region={STREET}&limit=2{after}"), 200)
        found += [one["item_id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert found == items[::-1]


def test_an_edit_needs_the_tag_of_what_was_seen(store: Store):
    merchant = store.merchant()
    item = store.item(merchant)
    path, wang = f"/items/{item}", store.staff()
    seen = wang.get(path)
    tag = seen.headers["ETag"]

    assert wang.patch(path, {"price": 200}).status_code == 428
    edited = wang.patch(path, {"price": 200}, If_Match=tag)
    assert made(edited, 200)["price"] == 200
    assert wang.patch(path, {"price": 300}, If_Match=tag).status_code == 412
    assert made(wang.patch(path, {"price": 300}, If_Match=edited.headers["ETag"]), 200)
    assert wang.get(path, If_None_Match=tag).status_code == 200
    assert refusal(store.staff("li").patch(path, {"price": 1}, If_Match=tag)) == "not-there"
    assert store.stock(item) == (10, 0, 0, 10)


def test_orders_move_the_tag_of_what_is_shown_and_are_in_no_editors_way(store: Store):
    merchant = store.merchant()
    item = store.item(merchant)
    path, wang = f"/items/{item}", store.staff()
    tag = wang.get(path).headers["ETag"]
    assert wang.get(path, If_None_Match=tag).status_code == 304

    order = store.placed(item)

    assert made(wang.get(path, If_None_Match=tag), 200)["free"] == 9
    made(wang.patch(path, {"price": 999}, If_Match=tag), 200)
    assert store.order(order)["price"] == 150
    assert store.stock(item) == (9, 1, 0, 10)


def test_stock_arrives_and_never_beyond_what_an_item_may_have(store: Store):
    merchant = store.merchant()
    item = store.item(merchant, pieces=0)
    path = f"/items/{item}/stock-arrivals"

    assert made(store.staff().post(path, {"pieces": 5}, Idempotency_Key="k"))["free"] == 5
    assert made(store.staff().post(path, {"pieces": 5}, Idempotency_Key="k"))["free"] == 5
    assert refusal(store.staff().post(path, {"pieces": 1_000_000})) == "too-many-pieces"
    assert refusal(store.staff("li").post(path, {"pieces": 1})) == "not-there"
    assert store.stock(item) == (5, 0, 0, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": 0},
        {"price": 1.5},
        {"price": "150"},
        {"price": {"$gt": 0}},
        {"pieces": -1},
        {"kind": "house"},
        {"title": ""},
        {"title": "\x00"},
        {"voucher_days": 0},
        {"limit_a_month": True},
        {"on_sale_from": "2026-11-22T09:00:00"},
        {"free": 100},
        {"merchant_id": "other"},
        {"on_sale_from": "2027-01-02T00:00:00Z", "on_sale_until": "2027-01-01T00:00:00Z"},
    ],
)
def test_an_item_that_cannot_be_meant_is_refused(store: Store, wrong: dict[str, object]):
    merchant = store.merchant()
    body = {"title": "大米", "kind": "goods", "price": 150, "pieces": 1, **wrong}

    answer = store.staff().post(f"/merchants/{merchant}/items", body)

    assert 400 <= answer.status_code < 500, answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert store.db.items.count_documents({}) == 0


def test_settlement_lines_are_the_merchants_and_its_overseers_alone(store: Store):
    merchant, other = store.merchant("wang"), store.merchant("li")
    item = store.item(merchant, limit_a_month=50)
    for _ in range(3):
        order = store.used(merchant, item)
        store.hear(store.hold_captured(order), times=2)
    path = f"/merchants/{merchant}/settlement-lines"
    month = made(store.staff().get(path), 200)["month"]

    first = made(store.staff().get(f"{path}?month={month}&limit=2"), 200)
    rest = made(store.staff().get(f"{path}?month={month}&limit=2&after={first['next']}"), 200)
    assert (len(first["items"]), len(rest["items"]), rest["next"]) == (2, 1, None)
    assert (first["lines"], first["total"]) == (rest["lines"], rest["total"]) == (3, 450)
    assert made(store.staff().get(f"{path}?month=2020-01"), 200)["total"] == 0
    for overseer in (store.admin, store.person("auditor", Grant(Role.AUDITOR, STREET))):
        assert made(overseer.get(path), 200)["total"] == 450
    for stranger in (store.staff("li"), store.person("x", Grant(Role.ADMIN, ELSEWHERE))):
        assert refusal(stranger.get(path)) in ("not-there", "not-allowed")
    assert refusal(store.person("ada").get(path)) == "not-allowed"
    assert made(store.staff("li").get(f"/merchants/{other}/settlement-lines"), 200)["items"] == []


def test_a_districts_rules_hold_from_their_day_on(store: Store):
    item = store.item(store.merchant(), pieces=50)
    path = f"/districts/{DISTRICT}/rules"
    today = clock.local_date(clock.now(), store.settings.time_zone)
    nobody = store.app.test_client()

    shown = made(nobody.get(f"/v1{path}"), 200)
    assert shown["now"] == {"limit_a_month": 2, "voucher_days": 30, "voucher_days_fresh": 7}
    tomorrow = clock.local_date(clock.now() + timedelta(days=1), store.settings.time_zone)
    begun = {"starts_on": today, "limit_a_month": 5}
    assert refusal(store.admin.put(path, begun)) == "rules-in-the-past"
    made(store.admin.put(path, {"starts_on": tomorrow, "limit_a_month": 1}), 200)
    made(store.admin.put(path, {"starts_on": "2099-01-01", "voucher_days": 3}), 200)
    let_pass(store, days=1)

    ask = {"item_id": item, "pieces": 2}
    assert refusal(store.person("ada").post("/orders", ask)) == "monthly-limit"
    shown = made(nobody.get(f"/v1{path}"), 200)
    assert shown["now"]["limit_a_month"] == 1
    assert [row["starts_on"] for row in shown["items"]] == [tomorrow, "2099-01-01"]


def test_rules_are_set_by_the_districts_administrators_alone(store: Store):
    path, rules = f"/districts/{DISTRICT}/rules", {"starts_on": "2099-01-01", "limit_a_month": 9}

    for grants in (
        [],
        [MERCHANT_HERE],
        [Grant(Role.ADMIN, STREET)],
        [Grant(Role.ADMIN, ELSEWHERE)],
    ):
        assert outcome(store.person("x", *grants).put(path, rules)) == "not-allowed"
    for nonsense in (
        {},
        {"starts_on": "2099-01-01"},
        {**rules, "voucher_days": 0},
        {**rules, "x": 1},
    ):
        assert outcome(store.admin.put(path, nonsense)) == "invalid"
    assert refusal(store.admin.put(f"/districts/{STREET}/rules", rules)) == "not-there"
    assert store.db.rules.count_documents({}) == 0
