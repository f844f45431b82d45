"""A POST that creates or moves something happens once, however often and however it is asked."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any

import pytest

from shared import ids
from shared.mongo import UnitOfWork
from tests.holding import held
from tests.shared.web.conftest import OutOfThings, Shop, TooOften

pytestmark = pytest.mark.servers


def test_the_same_wish_is_answered_alike_and_happens_once(shop: Shop) -> None:
    first = shop.post("/v1/things", {"pieces": 2}, key="wish-1")
    again = shop.post("/v1/things", {"pieces": 2}, key="wish-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert shop.taken == 2


def test_an_answer_is_kept_with_its_effect_or_not_at_all(
    shop: Shop, first_commit_fails: list[int]
) -> None:
    answer = shop.post("/v1/things", {"pieces": 2}, key="wish-1")

    assert first_commit_fails
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer.headers
    assert shop.taken == 2
    assert len(shop.answers) == 1


def test_a_wish_without_a_key_is_unreadable(shop: Shop) -> None:
    for key in (None, "", "with space", "x" * 129, "中"):
        headers = {} if key is None else {"Idempotency-Key": key.encode().decode("latin-1")}
        answer = shop.client.post(
            "/v1/things", json={"pieces": 1}, headers={**shop.token(), **headers}
        )
        assert answer.json is not None
        assert (answer.status_code, answer.json["code"]) == (400, "idempotency-key-missing")

    assert shop.taken == 0
    assert shop.answers == []


@pytest.mark.parametrize(
    ("path", "body"), [("/v1/things", {"pieces": 3}), ("/v1/wishes", {"pieces": 2})]
)
def test_a_key_used_for_other_content_is_refused(shop: Shop, path: str, body: Any) -> None:
    shop.post("/v1/things", {"pieces": 2}, key="wish-1")

    other = shop.post(path, body, key="wish-1")

    assert (other.status_code, other.json["code"]) == (422, "idempotency-key-reused")
    assert shop.taken == 2
    assert shop.post("/v1/things", {"pieces": 2}, key="wish-1").status_code == 201


def test_a_key_belongs_to_the_person_who_made_it_up(shop: Shop) -> None:
    mine = shop.post("/v1/things", {"pieces": 2}, key="wish-1", person="ada")
    yours = shop.post("/v1/things", {"pieces": 2}, key="wish-1", person="bob")

    assert mine.json["thing_id"] != yours.json["thing_id"]
    assert shop.taken == 4


def test_a_refusal_is_kept_and_shown_again(shop: Shop) -> None:
    first = shop.post("/v1/things", {"pieces": 6}, key="wish-1")
    again = shop.post("/v1/things", {"pieces": 6}, key="wish-1")

    assert (first.status_code, first.json["code"], first.json["left"]) == (409, "out-of-things", 5)
    assert first.json == again.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.content_type == "application/problem+json"
    assert len(shop.answers) == 1


def test_what_a_refusal_leaves_behind_is_left_once(shop: Shop) -> None:
    for _ in range(3):
        assert shop.post("/v1/guesses", key="guess-1").status_code == 409

    assert shop.taken == 1


def test_an_answer_that_only_holds_now_is_not_kept(shop: Shop) -> None:
    flooded = shop.post("/v1/floods", key="wish-1")
    wrong = shop.post("/v1/things", {"pieces": "many"}, key="wish-1")

    assert (flooded.status_code, flooded.headers["Retry-After"]) == (429, "7")
    assert wrong.status_code == 422
    assert shop.answers == []
    assert shop.post("/v1/things", {"pieces": 1}, key="wish-1").status_code == 201


def test_an_answer_without_content_is_kept_too(shop: Shop) -> None:
    for _ in range(2):
        answer = shop.post("/v1/things/abc/endings", key="end-1")
        assert (answer.status_code, answer.data) == (204, b"")


def test_two_at_once_with_the_same_key_are_one(shop: Shop) -> None:
    both_inside = threading.Barrier(2)

    def meet(_work: UnitOfWork) -> None:
        try:
            both_inside.wait(2)
        except threading.BrokenBarrierError:
            return

    shop.before_answer = meet
    answers = at_once(4, lambda _n: shop.post("/v1/things", {"pieces": 2}, key="wish-1"))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["thing_id"] for answer in answers}) == 1
    assert shop.taken == 2
    assert len(shop.answers) == 1


def test_many_at_once_on_a_held_thing_all_get_an_answer(shop: Shop) -> None:
    answers = at_once(8, lambda n: shop.post("/v1/wishes", {"pieces": 1}, key=f"wish-{n % 4}"))

    assert {answer.status_code for answer in answers} == {202}
    assert shop.taken == 4


def none_left(_work: UnitOfWork) -> None:
    raise OutOfThings


def test_nobody_waits_in_line_for_a_no_and_it_stays_a_no(shop: Shop) -> None:
    shop.look = none_left
    with held(shop.database, "thing:last"):
        refused = shop.post("/v1/last-things", {"pieces": 1}, key="wish-1")

    # By now some are left again: the same wish hears the same, another wins.
    again = shop.post("/v1/last-things", {"pieces": 1}, key="wish-1")
    other = shop.post("/v1/last-things", {"pieces": 1}, key="wish-2")

    assert (refused.status_code, refused.json["code"]) == (409, "out-of-things")
    assert (again.status_code, again.json) == (409, refused.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.status_code == 201
    assert shop.taken == 1


def test_who_is_not_refused_by_a_look_waits_for_a_turn(shop: Shop) -> None:
    with held(shop.database, "thing:last"):
        # Nobody's turn comes before the three seconds are over: that is a 503, and never a no.
        waited = shop.post("/v1/last-things", {"pieces": 1}, key="wish-1")
    again = shop.post("/v1/last-things", {"pieces": 1}, key="wish-1")

    assert (waited.status_code, again.status_code) == (503, 201)
    assert shop.taken == 1


def test_who_was_answered_before_hears_it_again_without_a_turn(shop: Shop) -> None:
    won = shop.post("/v1/last-things", {"pieces": 1}, key="wish-1")
    shop.look = none_left
    with held(shop.database, "thing:last"):
        again = shop.post("/v1/last-things", {"pieces": 1}, key="wish-1")
        otherwise = shop.post("/v1/last-things", {"pieces": 2}, key="wish-1")

    assert (again.status_code, again.json) == (201, won.json)
    assert (otherwise.status_code, otherwise.json["code"]) == (422, "idempotency-key-reused")


def test_nobody_looks_where_nobody_is_in_line(shop: Shop) -> None:
    shop.look = none_left

    assert shop.post("/v1/last-things", {"pieces": 1}).status_code == 201


def test_who_won_meanwhile_under_the_same_key_did_not_lose(shop: Shop) -> None:
    """The first of two at once takes the last one while the second sees that none is left."""
    first: list[Any] = []

    def ask() -> None:
        first.append(shop.post("/v1/last-things", {"pieces": 1}, key="wish-1"))

    with ExitStack() as line:
        line.enter_context(held(shop.database, "thing:last"))

        def see_too_late(_work: UnitOfWork) -> None:
            line.close()
            winner = threading.Thread(target=ask)
            winner.start()
            winner.join()
            raise OutOfThings

        shop.look = see_too_late
        second = shop.post("/v1/last-things", {"pieces": 1}, key="wish-1")

    assert (first[0].status_code, second.status_code) == (201, 201)
    assert second.json == first[0].json
    assert shop.taken == 1
    assert len(shop.answers) == 1


def test_a_look_keeps_no_refusal_that_is_true_only_now(shop: Shop) -> None:
    def too_often(_work: UnitOfWork) -> None:
        raise TooOften(retry_after=7)

    shop.look = too_often
    with held(shop.database, "thing:last"):
        assert shop.post("/v1/last-things", {"pieces": 1}, key="wish-1").status_code == 503

    assert shop.answers == []


def test_a_crash_while_looking_leaves_no_answer(shop: Shop) -> None:
    def crash(_work: UnitOfWork) -> None:
        raise Crash

    shop.look = crash
    with held(shop.database, "thing:last"), pytest.raises(Crash):
        shop.post("/v1/last-things", {"pieces": 1}, key="wish-1")

    assert shop.answers == []
    assert shop.post("/v1/last-things", {"pieces": 1}, key="wish-1").status_code == 201


class Crash(BaseException):
    """The process dies here; nothing catches it."""


def test_a_crash_before_the_commit_leaves_neither_effect_nor_answer(shop: Shop) -> None:
    def crash(_work: UnitOfWork) -> None:
        raise Crash

    shop.before_answer = crash
    with pytest.raises(Crash):
        shop.post("/v1/things", {"pieces": 2}, key="wish-1")
    assert (shop.taken, shop.answers) == (0, [])

    shop.before_answer = lambda _work: None
    assert shop.post("/v1/things", {"pieces": 2}, key="wish-1").status_code == 201
    assert shop.taken == 2


def test_an_error_leaves_neither_effect_nor_answer(shop: Shop) -> None:
    def fail(_work: UnitOfWork) -> None:
        raise ZeroDivisionError

    shop.before_answer = fail
    failed = shop.post("/v1/things", {"pieces": 2}, key="wish-1")

    assert (failed.status_code, failed.json["code"]) == (500, "unexpected")
    assert (shop.taken, shop.answers) == (0, [])


def test_a_repeated_202_shows_the_resource_as_it_is_now(shop: Shop) -> None:
    first = shop.post("/v1/wishes", {"pieces": 2}, key="wish-1")
    shop.database.db.things.update_one({}, {"$set": {"state": "GIVEN"}})
    again = shop.post("/v1/wishes", {"pieces": 2}, key="wish-1")

    assert (first.status_code, first.json["state"]) == (202, "ASKED")
    assert (again.status_code, again.json["state"]) == (202, "GIVEN")


def test_prefer_wait_answers_with_the_outcome(shop: Shop) -> None:
    def decide_soon(_work: UnitOfWork) -> None:
        threading.Timer(
            0.3, lambda: shop.database.db.things.update_one({}, {"$set": {"state": "GIVEN"}})
        ).start()

    shop.before_answer = decide_soon
    answer = shop.post("/v1/wishes", {"pieces": 2}, headers={"Prefer": "wait=5"})

    assert (answer.status_code, answer.json["state"]) == (202, "GIVEN")
    assert answer.headers["Preference-Applied"] == "wait=5"


def test_an_answer_carries_times_back_as_they_were(shop: Shop) -> None:
    first = shop.post("/v1/things", {"pieces": 2}, key="wish-1")
    again = shop.post("/v1/things", {"pieces": 2}, key="wish-1")

    assert first.json["taken_at"].endswith("Z")
    assert first.json["taken_at"] == again.json["taken_at"]


def test_answers_end_after_thirty_days(shop: Shop) -> None:
    shop.post("/v1/things", {"pieces": 2}, key=ids.new_id())

    (answer,) = shop.answers
    ends = [
        index
        for index in shop.database.db.answers.list_indexes()
        if index.get("expireAfterSeconds") == 30 * 86_400
    ]
    assert [list(index["key"]) for index in ends] == [["kept_at"]]
    assert answer["kept_at"].tzinfo is not None


def at_once(count: int, ask: Any) -> list[Any]:
    """Ask on as many threads at the same moment; return every answer."""
    answers: list[Any] = [None] * count
    begin = threading.Barrier(count)

    def run(n: int) -> None:
        begin.wait()
        answers[n] = ask(n)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers
