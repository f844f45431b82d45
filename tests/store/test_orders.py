"""Orders on the real database: each input's effect, once, in whatever order it comes."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from services.store import operations
from services.store.model import State
from shared import clock
from shared.events import ledger
from shared.events.volunteers import VolunteerStatusChanged
from tests.holding import held
from tests.store.conftest import DISTRICT, Store, at_once, let_pass, made, outcome, refusal

pytestmark = pytest.mark.servers


def status_changed(person: str, version: int, status: str) -> VolunteerStatusChanged:
    return VolunteerStatusChanged(
        volunteer_id=person,
        version=version,
        number="430211-1",
        region=DISTRICT,
        status=status,
        at=clock.now(),
    )


def test_an_order_goes_from_the_shelf_to_the_merchants_settlement(store: Store):
    merchant = store.merchant()
    item = store.item(merchant)

    order = store.placed(item, pieces=2)
    assert store.stock(item) == (8, 2, 0, 10)
    store.hear(store.hold_placed(order))
    use = made(store.use(merchant, store.code(order)))
    assert store.stock(item) == (8, 0, 2, 10)
    store.hear(store.hold_captured(order))

    assert (use["order_id"], use["pieces"], use["amount"]) == (order, 2, 300)
    shown = made(store.person("ada").get(f"/orders/{order}"), 200)
    assert (shown["state"], shown["amount"], shown["price"]) == ("CAPTURED", 300, 150)
    assert store.told(order) == ["1 OrderPlaced", "2 VoucherUsed"]
    lines = made(store.staff().get(f"/merchants/{merchant}/settlement-lines"), 200)
    assert (lines["lines"], lines["total"]) == (1, 300)
    assert [(line["order_id"], line["amount"]) for line in lines["items"]] == [(order, 300)]


def test_a_refused_hold_gives_the_stock_and_the_months_limit_back_once(store: Store):
    item = store.item(store.merchant())
    order = store.placed(item, pieces=2)
    refused = store.hold_refused(order)

    store.hear(refused, times=3)

    assert store.stock(item) == (10, 0, 0, 10)
    assert store.counted(item) == 0
    shown = made(store.person("ada").get(f"/orders/{order}"), 200)
    assert (shown["state"], shown["refused_reason"]) == ("REFUSED", "insufficient-points")
    assert outcome(store.person("ada").post("/orders", {"item_id": item, "pieces": 2})) == "ok"


def test_a_cancelled_order_gives_all_back_when_the_points_are_released(store: Store):
    item = store.item(store.merchant())
    order = store.cancelling(item)
    assert store.stock(item) == (9, 1, 0, 10)

    store.hear(store.hold_released(order), times=2)

    assert store.stock(item) == (10, 0, 0, 10)
    assert store.counted(item) == 0
    assert store.state(order) == "CANCELLED"
    assert store.told(order) == ["1 OrderPlaced", "2 OrderCancelled"]


def test_what_is_asked_twice_is_answered_as_it_is_now(store: Store):
    item = store.item(store.merchant())
    ada, body = store.person("ada"), {"item_id": item, "pieces": 1}
    first = made(ada.post("/orders", body, Idempotency_Key="one-wish"), 202)
    store.hear(store.hold_placed(first["order_id"]))

    again = made(ada.post("/orders", body, Idempotency_Key="one-wish"), 202)

    assert (first["state"], again["state"]) == ("PLACED", "CONFIRMED")
    assert first["order_id"] == again["order_id"]
    assert store.stock(item) == (9, 1, 0, 10)
    other = ada.post("/orders", {**body, "pieces": 2}, Idempotency_Key="one-wish")
    assert refusal(other) == "idempotency-key-reused"
    assert outcome(store.person("bob").post("/orders", body, Idempotency_Key="one-wish")) == "ok"


def test_a_cancel_asked_again_is_the_same_answer(store: Store):
    item = store.item(store.merchant())
    order = store.cancelling(item)
    path = f"/orders/{order}/cancellations"

    assert made(store.person("ada").post(path), 202)["state"] == "CANCELLING"
    store.hear(store.hold_released(order))
    assert made(store.person("ada").post(path), 202)["state"] == "CANCELLED"
    assert store.told(order) == ["1 OrderPlaced", "2 OrderCancelled"]


def in_state(store: Store, merchant: str, item: str, state: State) -> str:
    """Return a new order that has come to a state the way orders do."""
    person = "ada"
    match state:
        case State.PLACED:
            return store.placed(item, person)
        case State.CONFIRMED:
            return store.confirmed(item, person)
        case State.USED:
            return store.used(merchant, item, person)
        case State.CAPTURED:
            order = store.used(merchant, item, person)
            store.hear(store.hold_captured(order))
        case State.CANCELLING:
            return store.cancelling(item, person)
        case State.CANCELLED:
            order = store.cancelling(item, person)
            store.hear(store.hold_released(order))
        case State.REFUSED:
            order = store.placed(item, person)
            store.hear(store.hold_refused(order))
    return order


ANSWERS = ("hold_placed", "hold_refused", "hold_captured", "hold_released")


def test_each_answer_in_each_state_twice_does_what_the_table_says(store: Store):
    merchant = store.merchant()
    item = store.item(merchant, pieces=100, limit_a_month=100)
    moves = {
        (State.PLACED, "hold_placed"): "CONFIRMED",
        (State.PLACED, "hold_refused"): "REFUSED",
        (State.USED, "hold_captured"): "CAPTURED",
        (State.CANCELLING, "hold_refused"): "CANCELLED",
        (State.CANCELLING, "hold_released"): "CANCELLED",
    }
    alarms = {
        *itertools.product([State.PLACED], ["hold_captured", "hold_released"]),
        *itertools.product([State.CONFIRMED], ANSWERS[1:]),
        *itertools.product([State.USED, State.CAPTURED], ["hold_refused", "hold_released"]),
        *itertools.product([State.CANCELLING, State.CANCELLED, State.REFUSED], ["hold_captured"]),
        (State.REFUSED, "hold_placed"),
    }
    raised = 0
    for state, answer in itertools.product(State, ANSWERS):
        order = in_state(store, merchant, item, state)
        before = store.db.alarms.count_documents({})
        event = getattr(store, answer)(order)

        assert store.hear(event, times=2) == []

        assert store.state(order) == moves.get((state, answer), state.value), (state, answer)
        heard = store.db.inbox.find_one({"_id": f"{DISTRICT}:{event.n}:0123456789ab"})
        expected = (state, answer) in alarms
        raised += expected
        assert store.db.alarms.count_documents({}) - before == expected, (state, answer)
        assert (heard is None) == expected, (state, answer)

    assert {row["count"] for row in store.db.alarms.find()} == {2}
    assert store.db.alarms.count_documents({}) == raised
    free, reserved, gone, received = store.stock(item)
    states = [row["state"] for row in store.db.orders.find()]
    assert free + reserved + gone == received
    assert gone == sum(state in ("USED", "CAPTURED") for state in states)
    assert reserved == sum(state in ("PLACED", "CONFIRMED", "CANCELLING") for state in states)
    assert store.counted(item) == gone + reserved
    captured = {row["_id"] for row in store.db.orders.find({"state": "CAPTURED"})}
    assert {row["_id"] for row in store.db.settlement_lines.find()} == captured


def test_answers_of_a_cancelled_order_may_come_in_any_order(store: Store):
    """The hold was placed, or refused, while the order was being given up."""
    item = store.item(store.merchant(), pieces=100, limit_a_month=100)
    held = ("hold_placed", "hold_released")
    refused = ("hold_refused", "hold_released")
    for answers in [*itertools.permutations(held), *itertools.permutations(refused)]:
        order = store.placed(item)
        made(store.person("ada").post(f"/orders/{order}/cancellations"), 202)

        store.hear(*(getattr(store, answer)(order) for answer in answers), times=2)

        assert store.state(order) == "CANCELLED"
    assert store.stock(item) == (100, 0, 0, 100)
    assert store.counted(item) == 0
    assert store.alarms() == []


def test_an_answer_of_an_unknown_order_is_a_dead_letter_and_its_neighbour_is_heard(store: Store):
    order = store.placed(store.item(store.merchant()))
    stray = ledger.HoldReleased(
        district=DISTRICT, n=99, at=clock.now(), order_id="nobodys", amount=1
    )

    letters = store.hear(stray, store.hold_placed(order))

    assert [letter.reason.partition(":")[0] for letter in letters] == ["unknown-order"]
    assert store.state(order) == "CONFIRMED"


def test_an_answer_of_another_amount_or_book_changes_nothing_and_alarms(store: Store):
    order = store.placed(store.item(store.merchant()))
    other, at = {"order_id": order, "volunteer_id": "ada"}, clock.now()

    store.hear(ledger.HoldPlaced(district=DISTRICT, n=9, at=at, amount=149, **other))
    store.hear(ledger.HoldPlaced(district="430202", n=9, at=at, amount=150, **other))

    assert store.state(order) == "PLACED"
    assert store.alarms() == ["answer-of-another-amount", "answer-of-another-book"]


def test_frozen_and_closed_people_order_nothing_and_only_newer_news_counts(store: Store):
    item = store.item(store.merchant())
    store.hear(status_changed("ada", 3, "frozen"), status_changed("ada", 2, "active"), times=2)
    store.hear(status_changed("bob", 1, "closed"))

    def ordered(person: str) -> str:
        return outcome(store.person(person).post("/orders", {"item_id": item, "pieces": 1}))

    assert [ordered(person) for person in ("ada", "bob", "new")] == [
        "volunteer-frozen",
        "volunteer-closed",
        "ok",
    ]
    store.hear(status_changed("ada", 4, "active"))
    assert ordered("ada") == "ok"


def test_a_frozen_person_may_still_give_an_order_up(store: Store):
    order = store.confirmed(store.item(store.merchant()))
    store.hear(status_changed("ada", 2, "frozen"))

    assert made(store.person("ada").post(f"/orders/{order}/cancellations"), 202)


def test_what_is_not_for_sale_is_refused_and_nothing_is_reserved(store: Store):
    merchant = store.merchant()
    tomorrow = (clock.now() + timedelta(days=1)).isoformat()
    applied = store.applied("li")
    items = {
        "not-there": "no-such-item",
        "merchant-not-approved": store.item(applied, staff="li"),
        "not-yet-on-sale": store.item(merchant, on_sale_from=tomorrow),
        "no-longer-on-sale": store.item(merchant, on_sale_until="2020-01-01T00:00:00+08:00"),
        "out-of-stock": store.item(merchant, pieces=0),
        "monthly-limit": store.item(merchant, limit_a_month=1),
        "off-shelf": store.item(merchant),
    }
    path = f"/items/{items['off-shelf']}"
    tag = store.staff().get(path).headers["ETag"]
    made(store.staff().patch(path, {"status": "off_shelf"}, If_Match=tag), 200)

    for code, item in items.items():
        pieces = 2 if code == "monthly-limit" else 1
        answer = store.person("ada").post("/orders", {"item_id": item, "pieces": pieces})
        assert refusal(answer) == code
    own = store.staff().post("/orders", {"item_id": items["monthly-limit"], "pieces": 1})
    assert refusal(own) == "own-merchants-item"
    assert store.db.orders.count_documents({}) == 0
    assert {row["reserved"] for row in store.db.items.find()} == {0}


def test_a_hundred_people_at_once_for_ten_pieces(store: Store):
    item = store.item(store.merchant(), pieces=10)
    people = [store.person(f"person-{n}") for n in range(100)]
    body = {"item_id": item, "pieces": 1}

    answers = at_once(*(lambda who=who: who.post_until_answered("/orders", body) for who in people))

    outcomes = [outcome(answer) for answer in answers]
    assert sorted(set(outcomes)) == ["ok", "out-of-stock"]
    assert outcomes.count("ok") == 10
    assert store.stock(item) == (0, 10, 0, 10)
    assert store.db.orders.count_documents({}) == 10
    assert store.counted(item) == 10


def test_in_a_rush_each_hears_the_same_no_without_waiting_for_a_turn(store: Store):
    item = store.item(store.merchant(), pieces=1, limit_a_month=1)
    store.placed(item, "ada")
    store.hear(status_changed("fred", 1, "frozen"))
    people = [store.person(name) for name in ("ada", "carl", "fred", "wang")]
    body = {"item_id": item, "pieces": 1}

    calm = [refusal(person.post("/orders", body)) for person in people]
    with held(store.database, operations.stock_lock(item)):
        rushed = [refusal(person.post("/orders", body)) for person in people]
        early = people[1].post("/orders", body, Idempotency_Key="early")

    assert calm == rushed
    assert rushed == ["monthly-limit", "out-of-stock", "volunteer-frozen", "own-merchants-item"]
    made(store.staff().post(f"/items/{item}/stock-arrivals", {"pieces": 1}))
    again = people[1].post("/orders", body, Idempotency_Key="early")
    assert again.json == early.json
    made(people[1].post("/orders", body), 202)


def test_one_person_at_once_twenty_times_gets_what_the_month_allows(store: Store):
    item = store.item(store.merchant(), pieces=50)
    ada, body = store.person("ada"), {"item_id": item, "pieces": 1}

    answers = at_once(*[lambda: ada.post_until_answered("/orders", body)] * 20)

    outcomes = [outcome(answer) for answer in answers]
    assert (outcomes.count("ok"), outcomes.count("monthly-limit")) == (2, 18)
    assert store.stock(item) == (48, 2, 0, 50)
    assert store.counted(item) == 2


def test_one_key_at_once_ten_times_is_one_order(store: Store):
    item = store.item(store.merchant(), pieces=50, limit_a_month=50)
    ada, body = store.person("ada"), {"item_id": item, "pieces": 1}

    answers = at_once(*[lambda: ada.post("/orders", body, Idempotency_Key="double-click")] * 10)

    answered = {made(a, 202)["order_id"] for a in answers if a.status_code != 503}
    assert len(answered) == 1
    assert store.stock(item) == (49, 1, 0, 50)


def test_the_month_of_the_order_counts_not_the_month_in_which_it_is_given_up(store: Store):
    item = store.item(store.merchant())
    order = store.placed(item, pieces=2)
    let_pass(store, days=40)
    store.placed(item, pieces=2)  # another month, another counter
    made(store.person("ada").post(f"/orders/{order}/cancellations"), 202)

    store.hear(store.hold_released(order))

    counters = {row["_id"][-7:]: row["pieces"] for row in store.db.limits.find()}
    assert len(counters) == 2
    assert counters[store.order(order)["month"]] == 0


def test_open_questions_are_asked_again_with_the_same_row_and_ever_more_slowly(store: Store):
    merchant = store.merchant()
    item = store.item(merchant, limit_a_month=10)
    placed = store.placed(item)
    used, given_up = store.used(merchant, item), store.cancelling(item)
    start, asked = clock.real_now(), []
    for row in (f"{placed}:1", f"{used}:2", f"{given_up}:2"):
        store.db.outbox.update_one({"_id": row}, {"$set": {"sent_to": "log", "sent_at": start}})

    for second in range(0, 300, 5):
        real_now = start + timedelta(seconds=second)
        asked.append(operations.ask_open_questions(store.database, clock.now(), real_now))
    unsent = {row["_id"] for row in store.db.outbox.find({"sent_to": None})}

    assert sum(asked) == 3 * 3  # after 30 s, 90 s and 210 s
    assert {f"{placed}:1", f"{used}:2", f"{given_up}:2"} <= unsent
    assert store.told(placed) == ["1 OrderPlaced"]
    assert store.told(used) == ["1 OrderPlaced", "2 VoucherUsed"]


def test_an_order_unanswered_for_ten_minutes_is_given_up(store: Store):
    item = store.item(store.merchant())
    order = store.placed(item)
    start = store.order(order)["placed_at"]

    for second in range(0, 640, 10):
        operations.ask_open_questions(
            store.database, clock.now(), start + timedelta(seconds=second)
        )

    row = store.order(order)
    assert (row["state"], row["cancel_reason"]) == ("CANCELLING", "unanswered")
    assert store.told(order) == ["1 OrderPlaced", "2 OrderCancelled"]
    store.hear(store.hold_released(order))
    assert store.stock(item) == (10, 0, 0, 10)


def test_an_answered_question_is_asked_no_more(store: Store):
    item = store.item(store.merchant())
    store.confirmed(item)
    far = clock.real_now() + timedelta(days=1)

    assert operations.ask_open_questions(store.database, clock.now(), far) == 0


def test_a_question_whose_row_is_gone_is_put_once_more_word_for_word(store: Store):
    order = store.placed(store.item(store.merchant()))
    row = store.db.outbox.find_one({"_id": f"{order}:1"})
    store.db.outbox.delete_one({"_id": f"{order}:1"})

    later = clock.real_now() + timedelta(minutes=1)
    assert operations.ask_open_questions(store.database, clock.now(), later) == 1

    again = store.db.outbox.find_one({"_id": f"{order}:1"})
    assert again["body"] == row["body"]


def test_a_voucher_is_good_through_its_last_day_and_given_up_after_it(store: Store):
    merchant = store.merchant()
    item = store.item(merchant, fresh=True)
    order = store.confirmed(item)
    code, over = store.code(order), store.order(order)["expires_at"]
    almost = over - timedelta(milliseconds=1)

    sweep = operations.cancel_expired_vouchers
    assert sweep(store.database, almost, clock.real_now()) == 0
    let_pass(store, seconds=(over - clock.now()).total_seconds() + 1)
    assert refusal(store.use(merchant, code)) == "voucher-expired"
    assert refusal(store.person("ada").get(f"/orders/{order}/voucher")) == "voucher-expired"
    assert sweep(store.database, clock.now(), clock.real_now()) == 1
    assert sweep(store.database, clock.now(), clock.real_now()) == 0

    assert store.order(order)["cancel_reason"] == "expired"
    assert refusal(store.use(merchant, code)) == "order-cancelled"
    store.hear(store.hold_released(order))
    assert store.stock(item) == (10, 0, 0, 10)


def test_orders_are_listed_newest_first_page_by_page_to_their_owner_alone(store: Store):
    item = store.item(store.merchant(), pieces=50, limit_a_month=50)
    placed = [store.placed(item) for _ in range(5)]
    others = store.placed(item, "bob")
    ada, found, after = store.person("ada"), [], ""

    while True:
        page = made(ada.get(f"/orders?limit=2{after}"), 200)
        found += [order["order_id"] for order in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert found == placed[::-1]
    for path in (f"/orders/{others}", f"/orders/{others}/voucher"):
        assert refusal(ada.get(path)) == "not-there"
    assert refusal(ada.post(f"/orders/{others}/cancellations")) == "not-there"
    assert store.state(others) == "PLACED"


def test_who_waits_is_answered_when_the_ledger_has_decided(store: Store):
    item = store.item(store.merchant())

    def answer_soon() -> None:
        while (row := store.db.orders.find_one({})) is None:
            clock.sleep(0.02)
        store.hear(store.hold_placed(row["_id"]))

    ask = {"item_id": item, "pieces": 1}
    answer, _ = at_once(
        lambda: store.person("ada").post("/orders", ask, Prefer="wait=5"), answer_soon
    )

    assert made(answer, 202)["state"] == "CONFIRMED"
