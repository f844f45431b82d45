"""The store's routes: who may call each, and what is answered to those who may not."""

from __future__ import annotations

import pytest

from shared.auth import Role
from tests.store.conftest import DISTRICT, MERCHANT_HERE, Store, made, refusal

pytestmark = pytest.mark.servers

ROLES = {
    "GET /v1/districts/{district}/rules": [],
    "GET /v1/items": [],
    "GET /v1/items/{item_id}": [],
    "GET /v1/merchants": ["volunteer"],
    "GET /v1/merchants/{merchant_id}": ["volunteer"],
    "GET /v1/merchants/{merchant_id}/settlement-lines": ["merchant", "admin", "auditor"],
    "GET /v1/orders": ["volunteer"],
    "GET /v1/orders/{order_id}": ["volunteer"],
    "GET /v1/orders/{order_id}/voucher": ["volunteer"],
    "PATCH /v1/items/{item_id}": ["merchant"],
    "POST /v1/items/{item_id}/stock-arrivals": ["merchant"],
    "POST /v1/merchants": ["merchant"],
    "POST /v1/merchants/{merchant_id}/approvals": ["admin"],
    "POST /v1/merchants/{merchant_id}/items": ["merchant"],
    "POST /v1/merchants/{merchant_id}/staff": ["merchant"],
    "POST /v1/merchants/{merchant_id}/staff-removals": ["merchant"],
    "POST /v1/merchants/{merchant_id}/suspensions": ["admin"],
    "POST /v1/merchants/{merchant_id}/voucher-uses": ["merchant"],
    "POST /v1/orders": ["volunteer"],
    "POST /v1/orders/{order_id}/cancellations": ["volunteer"],
    "PUT /v1/districts/{district}/rules": ["admin"],
}


def test_each_route_names_its_roles_and_keeps_others_out(store: Store):
    document = store.app.test_client().get("/openapi.json").get_json()
    found = {
        f"{method.upper()} {path}": operation["x-roles"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1/") and method != "parameters"
    }
    assert found == ROLES

    for route, roles in ROLES.items():
        method, _, path = route.partition(" ")
        for name in ("district", "item_id", "merchant_id", "order_id"):
            path = path.replace(f"{{{name}}}", "430211")
        if not roles:
            continue
        key = {"Idempotency-Key": "k"}
        bare = store.app.test_client().open(path, method=method, json={}, headers=key)
        assert (bare.status_code, refusal(bare)) == (401, "not-signed-in"), route
        if Role.VOLUNTEER.value not in roles:
            plain = store.person("ada").ask(method, path.removeprefix("/v1"), {})
            assert (plain.status_code, refusal(plain)) == (403, "not-allowed"), route


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"item_id": "x"}, {"item_id": {"$ne": None}, "pieces": 1}, {"pieces": 1}]
    + [{"item_id": "x", "pieces": pieces} for pieces in (0, -1, 1.5, "1", None, True, 10**30)]
    + [{"item_id": item, "pieces": 1} for item in ("", "a:b", "a\x00b", "x" * 65, ["x"], 1)]
    + [{"item_id": "x", "pieces": 1, "price": 0}],
)
def test_an_order_that_cannot_be_meant_is_refused(store: Store, body: object):
    answer = store.person("ada").post("/orders", body)

    assert answer.status_code in (400, 404, 415, 422), answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert store.db.orders.count_documents({}) == 0


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=x",
        "after[$gt]=",
        "region=4302",
        "region=x",
        "x=1",
        "after=%00",
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(store: Store, query: str):
    assert store.person("ada").get(f"/items?{query}").status_code in (400, 422)


def test_what_an_order_says_is_this_and_no_more(store: Store):
    item = store.item(store.merchant())
    order = store.confirmed(item)

    shown = made(store.person("ada").get(f"/orders/{order}"), 200)

    assert set(shown) == {
        "order_id", "district", "merchant_id", "item_id", "item_title", "pieces", "price",
        "amount", "month", "state", "last_day", "placed_at", "confirmed_at", "used_at",
        "captured_at", "cancelled_at", "ended_at", "cancel_reason", "refused_reason",
    }  # fmt: skip


def test_another_persons_things_are_not_there(store: Store):
    """Every route with an id × someone who has all roles, but not here and not of this person."""
    merchant = store.merchant()
    item = store.item(merchant)
    order = store.confirmed(item)
    stranger = store.person("stranger", MERCHANT_HERE)
    asks = [
        ("GET", f"/orders/{order}", None),
        ("GET", f"/orders/{order}/voucher", None),
        ("POST", f"/orders/{order}/cancellations", None),
        ("PATCH", f"/items/{item}", {"price": 1}),
        ("POST", f"/items/{item}/stock-arrivals", {"pieces": 1}),
        ("POST", f"/merchants/{merchant}/items",
         {"title": "x", "kind": "goods", "price": 1, "pieces": 1}),
        ("POST", f"/merchants/{merchant}/staff", {"volunteer_id": "stranger"}),
        ("POST", f"/merchants/{merchant}/staff-removals", {"volunteer_id": "wang"}),
        ("POST", f"/merchants/{merchant}/voucher-uses", {"code": store.code(order)}),
        ("GET", f"/merchants/{merchant}/settlement-lines", None),
    ]  # fmt: skip
    before = store.order(order), store.stock(item), store.db.merchants.find_one({})

    for method, path, body in asks:
        assert refusal(stranger.ask(method, path, body, If_Match='"1"')) == "not-there", path

    assert (store.order(order), store.stock(item), store.db.merchants.find_one({})) == before
    assert DISTRICT in before[0]["district"]
