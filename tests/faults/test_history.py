"""The history checker bites: what is lost, doubled or out of order is found and named."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from deploy.embedded.servers import MongoServer
from shared import ids
from tests.faults.history import Entry, History, Verdict, check
from tests.faults.history.entries import OK, REFUSED, UNKNOWN

pytestmark = pytest.mark.servers

ACCOUNT = "430211:volunteer:ada"


class Told:
    """A hand-made history, and databases in which all of it is true until a test spoils it."""

    def __init__(self, mongo: MongoServer) -> None:
        self.uri, self.prefix = mongo.uri, f"t{ids.new_id()}_"
        self.client: MongoClient[dict[str, Any]] = MongoClient(mongo.uri)
        self.history = History()
        self._moments = itertools.count(1)
        self._numbers = itertools.count(2)

    def db(self, service: str) -> Any:
        """Return one service's database."""
        return self.client[self.prefix + service]

    def verdict(self) -> Verdict:
        """Compare."""
        return check(self.history, self.uri, database_prefix=self.prefix)

    def say(self, method: str, path: str, outcome: str = OK, **more: Any) -> None:
        """Let the store answer something; each exchange ends before the next begins."""
        began = float(next(self._moments))
        values = {"service": "store", "status": 201 if outcome == OK else None, "who": "ada"}
        entry = {"began": began, "ended": began + 0.5, "body": {}, **values, **more}
        self.history.note(Entry(method=method, path=path, outcome=outcome, **entry))

    def asked_to_order(self, order: str, outcome: str = OK, **more: Any) -> None:
        """Let Ada ask for an order."""
        body = {"order_id": order, "state": "PLACED"} if outcome == OK else {}
        status = {OK: 202, REFUSED: 409, UNKNOWN: None}[outcome]
        wish = {"wish": f"key-{order}", "body": body, "status": status, **more}
        self.say("POST", "/orders", outcome, **wish)

    def order_is_there(self, order: str, *, posted: bool = True) -> None:
        """Let an order be in the database, its answer kept, and its points held."""
        self.db("store")["orders"].insert_one(
            {"_id": order, "used_at": None, "cancel_reason": None}
        )
        value = {"order_id": order, "state": "PLACED"}
        answer = {"_id": f"ada key-{order}", "status": 202, "value": value}
        self.db("store")["answers"].insert_one(answer)
        if posted:
            self.post(f"hold:{order}")

    def post(self, fact: str, *, n: int | None = None, moves: bool = True) -> None:
        """Let the journal hold a posting that holds ten hundredths of Ada's, or moves nothing."""
        moved = (("available", -10), ("held", 10)) if moves else ()
        self.db("ledger")["journal"].insert_one(
            {
                "_id": fact,
                "book": "430211",
                "n": n or next(self._numbers),
                "accounts": [ACCOUNT],
                "about": {"captured": 0},
                "cause": {"id": ":".join(fact.split(":")[-2:])},
                "lines": [
                    {"account": ACCOUNT, "bucket": bucket, "amount": amount}
                    for bucket, amount in moved
                ],
            }
        )


@pytest.fixture
def told(mongo: MongoServer) -> Iterator[Told]:
    told = Told(mongo)
    yield told
    for service in ("volunteers", "activities", "ledger", "store"):
        told.client.drop_database(told.prefix + service)
    told.client.close()


def test_what_is_told_and_done_holds(told: Told) -> None:
    told.asked_to_order("o1")
    told.asked_to_order("o1")
    told.order_is_there("o1")
    told.asked_to_order("o2", REFUSED)

    verdict = told.verdict()

    assert verdict.holds, verdict
    assert (verdict.acknowledged, verdict.refused, verdict.unknown) == (1, 1, 0)


def test_an_acknowledged_request_that_is_gone_is_lost(told: Told) -> None:
    told.asked_to_order("o1")

    lost = told.verdict().lost

    assert any(finding.startswith("order:o1") for finding in lost), lost
    assert any(finding.startswith("hold:o1") for finding in lost), lost


def test_an_order_without_its_posting_is_lost(told: Told) -> None:
    told.asked_to_order("o1")
    told.order_is_there("o1", posted=False)

    assert len(told.verdict().lost) == 1


def test_an_order_that_the_ledger_refused_is_not_lost(told: Told) -> None:
    told.asked_to_order("o1")
    told.order_is_there("o1", posted=False)
    told.post("no:hold:o1:o1:1", moves=False)

    assert told.verdict().holds


def test_an_order_both_held_and_refused_is_doubled(told: Told) -> None:
    told.asked_to_order("o1")
    told.order_is_there("o1")
    told.post("no:hold:o1:o1:1", moves=False)

    assert told.verdict().doubled == ["hold:o1: posted, and refused 1 times"]


def test_a_second_effect_of_one_request_is_doubled(told: Told) -> None:
    told.asked_to_order("o1")
    told.order_is_there("o1")
    told.db("store")["orders"].insert_one({"_id": "o9", "used_at": None, "cancel_reason": None})

    assert told.verdict().doubled == ["order:o9: 1 more than anybody was told"]


def test_two_answers_to_one_key_are_doubled(told: Told) -> None:
    told.asked_to_order("o1")
    told.asked_to_order("o1", body={"order_id": "o2", "state": "PLACED"})
    told.order_is_there("o1")

    assert "told" in told.verdict().doubled[0]


def test_what_was_refused_and_done_is_doubled(told: Told) -> None:
    told.asked_to_order("o1", REFUSED)
    told.order_is_there("o1")

    assert any("refused, and done" in finding for finding in told.verdict().doubled)


def test_pieces_are_counted(told: Told) -> None:
    shelf = {"_id": "i1", "received": 10, "revision": 1}
    told.db("store")["items"].insert_one(shelf)
    put = {"item_id": "i1", "revision": 1, "received": 7}
    told.say("POST", "/merchants/m/items", wish="k1", asked={"pieces": 7}, body=put)
    told.say("POST", "/items/i1/stock-arrivals", wish="k2", asked={"pieces": 3})
    assert told.verdict().holds

    told.db("store")["items"].update_one({"_id": "i1"}, {"$set": {"received": 13}})
    assert told.verdict().doubled == ["piece:i1: 3 more than anybody was told"]

    told.db("store")["items"].update_one({"_id": "i1"}, {"$set": {"received": 7}})
    assert told.verdict().lost == ["piece:i1: acknowledged, and 3 are not there"]


@pytest.mark.parametrize("done", [True, False])
def test_an_unknown_request_was_done_or_was_not(told: Told, done: bool) -> None:
    told.asked_to_order("o1", UNKNOWN)
    if done:
        told.order_is_there("o1")

    verdict = told.verdict()

    assert verdict.holds, verdict
    assert (verdict.unknown, verdict.unknown_done) == (1, int(done))


def test_an_unknown_request_that_was_done_in_part_is_found(told: Told) -> None:
    told.asked_to_order("o1", UNKNOWN)
    told.order_is_there("o1")
    told.db("store")["orders"].delete_one({"_id": "o1"})

    assert told.verdict().lost


def test_a_refusal_after_a_cut_connection_counts(told: Told) -> None:
    told.asked_to_order("o1", UNKNOWN)
    told.asked_to_order("o1", REFUSED)

    verdict = told.verdict()

    assert (verdict.refused, verdict.unknown) == (1, 0)


def test_a_patch_whose_answer_was_cut_off_is_done_or_not(told: Told) -> None:
    person = {"_id": "ada", "version": 1, "revision": 2}
    told.db("volunteers")["people"].insert_one(person)
    registered = {"service": "volunteers", "wish": "k1"}
    body = {"volunteer_id": "ada", "refresh_token": "s.1.k.m"}
    told.say("POST", "/volunteers", **registered, body=body)
    session = {"_id": "s", "serial": 1, "ended_by": None}
    told.db("volunteers")["refresh_tokens"].insert_one(session)
    patch = {"service": "volunteers", "wish": "k2", "tag": "1"}
    told.say("PATCH", "/volunteers/me", UNKNOWN, **patch)
    told.say("PATCH", "/volunteers/me", REFUSED, **patch, status=412)
    assert told.verdict().holds

    told.db("volunteers")["people"].update_one({"_id": "ada"}, {"$set": {"revision": 3}})
    assert told.verdict().doubled == ["revision:ada:3: 1 more than anybody was told"]


def test_what_was_asked_later_may_not_stand_before(told: Told) -> None:
    told.asked_to_order("o1")
    told.say("GET", "/orders/o1", body={"order_id": "o1", "state": "CONFIRMED"}, status=200)
    told.asked_to_order("o2")
    for order, n in (("o1", 3), ("o2", 2)):
        told.order_is_there(order, posted=False)
        told.post(f"hold:{order}", n=n)

    found = told.verdict().out_of_order

    assert found == ["hold:o2 was asked for after hold:o1 was known, and has a lower number"]


def test_two_at_once_may_stand_in_either_order(told: Told) -> None:
    told.asked_to_order("o1")
    told.asked_to_order("o2")
    told.say("GET", "/orders/o1", body={"order_id": "o1", "state": "CONFIRMED"}, status=200)
    for order, n in (("o1", 3), ("o2", 2)):
        told.order_is_there(order, posted=False)
        told.post(f"hold:{order}", n=n)

    assert told.verdict().holds


def test_a_look_may_not_show_an_older_state(told: Told) -> None:
    told.asked_to_order("o1")
    told.order_is_there("o1")
    for state in ("CONFIRMED", "PLACED"):
        told.say("GET", "/orders/o1", body={"order_id": "o1", "state": state}, status=200)

    assert told.verdict().out_of_order == ["GET /orders/o1 shows order o1 at 0 after 1"]


def test_a_voucher_that_was_used_and_given_up_is_doubled(told: Told) -> None:
    told.asked_to_order("o1")
    told.order_is_there("o1")
    for state in ("USED", "CANCELLED"):
        told.say("GET", "/orders/o1", body={"order_id": "o1", "state": state}, status=200)

    assert told.verdict().doubled == ["order o1 was told to be CANCELLED, USED"]


@pytest.mark.parametrize(
    ("available", "n", "wrong"), [(-10, 2, 0), (-20, 2, 1), (0, 1, 1), (-10, 9, 0)]
)
def test_a_balance_is_what_the_journal_says(told: Told, available: int, n: int, wrong: int) -> None:
    told.asked_to_order("o1")
    told.order_is_there("o1")
    told.say("GET", "/orders/o1", body={"order_id": "o1", "state": "CONFIRMED"}, status=200)
    body = {"account": ACCOUNT, "available": available, "held": -available, "debt": 0, "n": n}
    told.say("GET", "/books/430211/balances/me", service="ledger", body=body, status=200)

    assert bool(told.verdict().out_of_order) == bool(wrong), told.verdict()


def test_an_internal_error_is_found(told: Told) -> None:
    told.say("GET", "/orders", UNKNOWN, status=500)

    assert len(told.verdict().failed) == 1


def test_the_audit_is_told_of_what_is_done_once(told: Told) -> None:
    told.asked_to_order("o1")
    told.asked_to_order("o2", UNKNOWN)
    told.say("POST", "/volunteer-names", service="volunteers", wish="k", status=200)
    told.say("GET", "/orders/o1", status=200)

    assert [entry["key"] for entry in told.history.told()] == ["key-o1"]
