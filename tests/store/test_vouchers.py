"""Vouchers on the real database: used once, by the right merchant, guessed by nobody."""

from __future__ import annotations

import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest

from services.store import model, operations
from shared import clock, ids
from shared.auth import Grant, Role
from shared.settings import KeyRing
from tests.store.conftest import (
    ELSEWHERE,
    MERCHANT_HERE,
    VOUCHER_KEY,
    Store,
    at_once,
    made,
    opened,
    outcome,
    refusal,
)

pytestmark = pytest.mark.servers


def a_wrong_code() -> str:
    return model.grouped(model.code_of(ids.new_id(), key=bytes(32)))


def test_a_code_is_shown_to_its_owner_and_only_its_hash_is_kept(store: Store):
    order = store.confirmed(store.item(store.merchant()))

    shown = made(store.person("ada").get(f"/orders/{order}/voucher"), 200)

    code = model.read_code(shown["code"])
    row = store.order(order)
    assert row["code_hash"] == model.hash_of(code)
    assert row["key_id"] == "v1"
    assert shown["last_day"] == row["last_day"]
    for collection in store.db.list_collection_names():
        for kept in store.db[collection].find():
            assert code not in repr(kept)
            assert shown["code"] not in repr(kept) or collection == "answers"


def test_a_code_may_be_typed_carelessly_but_not_wrongly(store: Store):
    merchant = store.merchant()
    order = store.confirmed(store.item(merchant))
    code = store.code(order)
    last = model.ALPHABET[(model.ALPHABET.index(code[-1]) + 1) % 32]

    assert refusal(store.use(merchant, code[:-1] + last)) == "mistyped-voucher"
    careless = f" {code.lower().replace('-', '  ').replace('0', 'o').replace('1', 'l')} "
    assert made(store.use(merchant, careless))["order_id"] == order
    assert store.db.guesses.count_documents({}) == 0


def test_a_voucher_is_used_once_and_the_second_time_says_so(store: Store):
    merchant = store.merchant()
    item = store.item(merchant)
    order = store.confirmed(item)
    code = store.code(order)

    made(store.use(merchant, code, Idempotency_Key="first"))

    assert refusal(store.use(merchant, code)) == "voucher-used"
    assert made(store.use(merchant, code, Idempotency_Key="first"))["order_id"] == order
    assert store.stock(item) == (9, 0, 1, 10)
    assert store.told(order) == ["1 OrderPlaced", "2 VoucherUsed"]
    row = store.order(order)
    assert (row["state"], row["used_by"]) == ("USED", "wang")
    assert refusal(store.person("ada").post(f"/orders/{order}/cancellations")) == "voucher-used"


def test_a_voucher_is_good_only_between_the_hold_and_its_end(store: Store):
    merchant = store.merchant()
    item = store.item(merchant, limit_a_month=10)
    placed, refused, given_up = (store.placed(item) for _ in range(3))
    codes = {order: model.code_of(order, key=VOUCHER_KEY) for order in (placed, refused, given_up)}
    store.hear(store.hold_refused(refused))
    made(store.person("ada").post(f"/orders/{given_up}/cancellations"), 202)

    expected = {
        placed: "order-not-confirmed",
        refused: "order-refused",
        given_up: "order-cancelled",
    }
    for order, code in expected.items():
        assert refusal(store.use(merchant, codes[order])) == code
        assert refusal(store.person("ada").get(f"/orders/{order}/voucher")) == code


def test_another_merchants_voucher_is_refused_and_nothing_of_it_is_told(store: Store):
    merchant, other = store.merchant("wang"), store.merchant("li")
    order = store.confirmed(store.item(merchant))
    code = store.code(order)

    answer = store.use(other, code, staff="li")

    assert refusal(answer) == "another-merchants-voucher"
    assert set(answer.get_json()) == {"type", "code", "title", "status", "detail"}
    assert order not in answer.get_data(as_text=True)
    assert store.state(order) == "CONFIRMED"
    assert store.db.guesses.count_documents({"wrong": 1}) == 2
    assert refusal(store.use(merchant, code, staff="li")) == "not-there"


def test_staff_do_not_verify_what_they_redeem_themselves(store: Store):
    merchant = store.merchant()
    order = store.confirmed(store.item(merchant), "li")
    code = store.code(order, "li")
    made(store.staff().post(f"/merchants/{merchant}/staff", {"volunteer_id": "li"}))

    assert refusal(store.use(merchant, code, staff="li")) == "own-voucher"
    assert made(store.use(merchant, code, staff="wang"))


def test_a_role_that_does_not_reach_the_merchant_verifies_nothing(store: Store):
    merchant = store.merchant()
    path, body = f"/merchants/{merchant}/voucher-uses", {"code": a_wrong_code()}
    plain, elsewhere = store.person("wang"), store.person("wang", Grant(Role.MERCHANT, ELSEWHERE))

    assert refusal(plain.post(path, body)) == "not-allowed"
    assert refusal(elsewhere.post(path, body)) == "not-allowed"
    assert refusal(store.admin.post(path, body)) == "not-allowed"
    assert store.db.guesses.count_documents({}) == 0


def test_a_suspended_merchants_vouchers_wait_and_their_owners_lose_nothing(store: Store):
    merchant = store.merchant()
    item = store.item(merchant)
    first, second = store.confirmed(item, "ada"), store.confirmed(item, "bob")
    code = store.code(first)
    made(store.admin.post(f"/merchants/{merchant}/suspensions", {"reason": "投诉"}))

    assert refusal(store.use(merchant, code)) == "merchant-suspended"
    made(store.person("bob").post(f"/orders/{second}/cancellations"), 202)
    made(store.admin.post(f"/merchants/{merchant}/approvals"))
    assert made(store.use(merchant, code))["order_id"] == first


def test_keys_rotate_and_old_vouchers_stay_good(store: Store):
    merchant = store.merchant()
    item = store.item(merchant)
    old = store.confirmed(item)
    code = store.code(old)

    both = KeyRing(keys={"v2": bytes(32), "v1": VOUCHER_KEY})
    with opened(replace(store.settings, slot="rotated", voucher_keys=both)) as rotated:
        new = rotated.confirmed(item)
        assert (rotated.code(old), store.order(new)["key_id"]) == (code, "v2")
        assert made(rotated.use(merchant, rotated.code(new)))

    alone = KeyRing(keys={"v2": bytes(32)})
    with opened(replace(store.settings, slot="without", voucher_keys=alone)) as without:
        shown = without.person("ada").get(f"/orders/{old}/voucher")
        assert refusal(shown) == "voucher-key-gone"
        assert made(without.use(merchant, code))["order_id"] == old


def test_wrong_codes_are_counted_and_then_no_code_is_looked_at(store: Store):
    merchant = store.merchant()
    order = store.confirmed(store.item(merchant))
    code, wrong = store.code(order), a_wrong_code()

    answers = [refusal(store.use(merchant, wrong)) for _ in range(22)]

    assert Counter(answers) == {"unknown-voucher": 20, "too-many-guesses": 2}
    limited = store.use(merchant, code)
    assert refusal(limited) == "too-many-guesses"
    assert limited.status_code == 429
    assert 0 < int(limited.headers["Retry-After"]) <= 3600
    made(store.staff().post(f"/merchants/{merchant}/staff", {"volunteer_id": "li"}))
    assert made(store.use(merchant, code, staff="li"))["order_id"] == order


def test_a_wrong_code_repeated_with_its_key_is_one_guess(store: Store):
    merchant, wrong = store.merchant(), a_wrong_code()

    for _ in range(3):
        assert refusal(store.use(merchant, wrong, Idempotency_Key="k")) == "unknown-voucher"

    assert {row["wrong"] for row in store.db.guesses.find()} == {1}


def test_what_was_too_many_is_looked_at_again_with_the_same_key_later(store: Store):
    merchant = store.merchant()
    order = store.confirmed(store.item(merchant))
    code = store.code(order)
    for _ in range(20):
        store.use(merchant, a_wrong_code())

    assert refusal(store.use(merchant, code, Idempotency_Key="k")) == "too-many-guesses"
    store.db.guesses.delete_many({})  # the hour is over
    assert made(store.use(merchant, code, Idempotency_Key="k"))["order_id"] == order


def test_wrong_codes_at_once_are_answered_no_more_often_than_the_limit(store: Store):
    merchant = store.merchant()

    def guess() -> str:
        code = {"code": a_wrong_code()}
        path = f"/merchants/{merchant}/voucher-uses"
        return refusal(store.staff().post_until_answered(path, code))

    answers = Counter(at_once(*[guess] * 30))

    assert answers == {"unknown-voucher": 20, "too-many-guesses": 10}


def test_a_merchants_staff_together_have_a_limit_too(store: Store):
    merchant = store.merchant()
    staff = ["wang", "li", "zhao", "qian"]
    for person in staff[1:]:
        made(store.staff().post(f"/merchants/{merchant}/staff", {"volunteer_id": person}))

    answers = Counter(
        refusal(store.use(merchant, a_wrong_code(), staff=person))
        for person in staff
        for _ in range(18)
    )

    assert answers == {"unknown-voucher": 60, "too-many-guesses": 12}


def test_two_hundred_scans_at_once_of_one_voucher_are_one_use(store: Store):
    merchant = store.merchant()
    item = store.item(merchant)
    order = store.confirmed(item)
    path, body = f"/merchants/{merchant}/voucher-uses", {"code": store.code(order)}
    staff = store.person("wang", MERCHANT_HERE)

    scans = at_once(*[lambda: outcome(staff.post_until_answered(path, body))] * 200)

    assert Counter(scans) == {"ok": 1, "voucher-used": 199}
    assert store.stock(item) == (9, 0, 1, 10)
    assert store.told(order) == ["1 OrderPlaced", "2 VoucherUsed"]


@pytest.mark.slow
def test_many_vouchers_scanned_by_many_at_once_are_each_used_once(store: Store):
    """Two hundred at once; ``GONGXIANG_VOUCHERS=500`` is the whole of it (`make fuzz`)."""
    count = int(os.environ.get("GONGXIANG_VOUCHERS") or 40)
    merchant = store.merchant()
    item = store.item(merchant, pieces=count, limit_a_month=1000)
    orders = [store.placed(item, f"person-{number}") for number in range(count)]
    store.hear(*(store.hold_placed(order) for order in orders))
    path = f"/merchants/{merchant}/voucher-uses"
    codes = [{"code": model.code_of(order, key=VOUCHER_KEY)} for order in orders] * 3
    random.Random(count).shuffle(codes)

    with ThreadPoolExecutor(200) as pool:
        scans = list(
            pool.map(lambda code: outcome(store.staff().post_until_answered(path, code)), codes)
        )

    assert Counter(scans) == {"ok": count, "voucher-used": 2 * count}
    assert store.stock(item) == (0, 0, count, count)
    assert store.db.outbox.count_documents({"type": "VoucherUsed"}) == count


@pytest.mark.slow
def test_cancel_against_scan_two_hundred_pairs_one_wins_each_time(store: Store):
    merchant = store.merchant()
    item = store.item(merchant, pieces=200, limit_a_month=1000)
    orders = {}
    for number in range(200):
        person = f"person-{number}"
        orders[store.placed(item, person)] = store.person(person)
    store.hear(*(store.hold_placed(order) for order in orders))
    uses = f"/merchants/{merchant}/voucher-uses"

    def scan(order: str) -> str:
        code = {"code": model.code_of(order, key=VOUCHER_KEY)}
        return outcome(store.staff().post_until_answered(uses, code))

    def cancel(order: str) -> str:
        return outcome(orders[order].post_until_answered(f"/orders/{order}/cancellations"))

    # Four pairs at a time, each pair's scan and cancel in threads of their own.
    todo = list(orders)
    pairs: list[tuple[str, str]] = []
    for start in range(0, len(todo), 4):
        asks = [
            (lambda ask=ask, order=order: ask(order))
            for order in todo[start : start + 4]
            for ask in (scan, cancel)
        ]
        answers = at_once(*asks)
        pairs += zip(answers[::2], answers[1::2], strict=True)

    outcomes = Counter(pairs)
    assert set(outcomes) <= {("ok", "voucher-used"), ("order-cancelled", "ok")}
    used, given_up = outcomes["ok", "voucher-used"], outcomes["order-cancelled", "ok"]
    assert used + given_up == 200
    states = Counter(row["state"] for row in store.db.orders.find())
    assert (states["USED"], states["CANCELLING"]) == (used, given_up)
    assert store.stock(item) == (0, given_up, used, 200)
    told = Counter(row["type"] for row in store.db.outbox.find({"version": 2}))
    assert (told["VoucherUsed"], told["OrderCancelled"]) == (used, given_up)
    assert store.db.outbox.count_documents({}) == 400


def test_the_last_day_against_a_scan_one_wins_each_time(store: Store):
    merchant = store.merchant()
    item = store.item(merchant, pieces=40, limit_a_month=40)

    def scan(code: str) -> str:
        return outcome(store.use(merchant, code))

    def expire(over: datetime) -> int:
        return operations.cancel_expired_vouchers(store.database, over, clock.real_now())

    for number in range(20):
        order = store.confirmed(item, f"person-{number}")
        code = store.code(order, f"person-{number}")
        over = store.order(order)["expires_at"]

        scanned, expired = at_once(
            partial(scan, code),
            partial(expire, over),
        )

        assert (scanned, expired) in {("ok", 0), ("order-cancelled", 1)}
    assert store.alarms() == []
