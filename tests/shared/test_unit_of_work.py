"""The unit of work: all of it or nothing, once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from pymongo.errors import ConnectionFailure, OperationFailure

from shared import clock
from shared.errors import Busy, Refusal
from shared.events.store import OrderPlaced
from shared.mongo import (
    CommitUnknown,
    ServiceDatabase,
    TakenEveryTime,
    UnitOfWork,
    ask_again,
    ensure_indexes,
)
from shared.mongo.database import TRIES_MAX
from shared.mongo.sessions import kill_predecessors

pytestmark = pytest.mark.servers


def order_placed(order_id: str = "o1", version: int = 1) -> OrderPlaced:
    return OrderPlaced(
        order_id=order_id,
        version=version,
        district="430211",
        volunteer_id="v",
        merchant_id="m",
        item_id="i",
        pieces=1,
        amount=100,
        at=clock.now(),
    )


def test_a_change_and_what_it_tells_are_saved_together(database: ServiceDatabase) -> None:
    def body(work: UnitOfWork) -> str:
        work.db.orders.insert_one({"_id": "o1"}, session=work.session)
        return work.tell(order_placed())

    assert database.unit_of_work(body) == "o1:1"

    row = database.db.outbox.find_one({"_id": "o1:1"})
    assert row is not None
    assert (row["topic"], row["key"], row["type"]) == ("store.events", "430211", "OrderPlaced")
    assert "sent_to" not in row


def test_a_refusal_leaves_nothing(database: ServiceDatabase) -> None:
    def body(work: UnitOfWork) -> None:
        work.db.orders.insert_one({"_id": "o1"}, session=work.session)
        work.tell(order_placed())
        raise Refusal("no")

    with pytest.raises(Refusal):
        database.unit_of_work(body)

    assert database.db.orders.find_one({}) is None
    assert database.db.outbox.find_one({}) is None


def test_two_that_write_one_document_both_happen(database: ServiceDatabase) -> None:
    database.db.counters.insert_one({"_id": "c", "value": 0})
    together = threading.Barrier(4)

    def add(_: int) -> None:
        def body(work: UnitOfWork) -> None:
            row = work.db.counters.find_one({"_id": "c"}, session=work.session)
            assert row is not None
            changed = {"$set": {"value": row["value"] + 1}}
            work.db.counters.update_one({"_id": "c"}, changed, session=work.session)

        together.wait()
        for _ in range(5):
            database.unit_of_work(body, holding="counter:c")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))

    assert database.db.counters.find_one({"_id": "c"})["value"] == 20  # type: ignore[index]


def test_a_duplicate_runs_the_body_again_from_its_look_up(database: ServiceDatabase) -> None:
    runs = []

    def body(work: UnitOfWork) -> str:
        found = work.db.orders.find_one({"_id": "o1"}, session=work.session)
        runs.append(found)
        if found:
            return "found"
        if len(runs) == 1:  # another one comes between the look-up and the write
            database.db.orders.insert_one({"_id": "o1"})
        work.db.orders.insert_one({"_id": "o1"}, session=work.session)
        return "made"

    assert database.unit_of_work(body) == "found"
    assert len(runs) == 2


def test_a_conflict_costs_one_try(database: ServiceDatabase) -> None:
    database.db.orders.insert_one({"_id": "o1"})
    runs = []

    def body(work: UnitOfWork) -> None:
        runs.append(1)
        work.db.orders.insert_one({"_id": "o1"}, session=work.session)

    # What is taken in every try is no contention that passes: see the dead letters' test.
    with pytest.raises(TakenEveryTime):
        database.unit_of_work(body)
    assert len(runs) == TRIES_MAX


def test_many_rows_of_which_one_is_always_there_are_no_contention(
    database: ServiceDatabase,
) -> None:
    database.db.orders.insert_one({"_id": "o1"})

    def body(work: UnitOfWork) -> None:
        work.db.orders.insert_many([{"_id": "o2"}, {"_id": "o1"}], session=work.session)

    with pytest.raises(TakenEveryTime):
        database.unit_of_work(body)
    assert [row["_id"] for row in database.db.orders.find({})] == ["o1"]


def test_tries_on_a_contended_thing_are_bounded(database: ServiceDatabase) -> None:
    conflict = OperationFailure("conflict", 112, {"errorLabels": ["TransientTransactionError"]})

    def body(_: UnitOfWork) -> None:
        raise conflict

    before = clock.monotonic()
    with pytest.raises(Busy):
        database.unit_of_work(body, holding="stock:i")
    assert clock.monotonic() - before < 4


def test_waiting_for_a_held_thing_is_bounded(database: ServiceDatabase) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(_: UnitOfWork) -> None:
        inside.set()
        go_on.wait(10)

    holder = threading.Thread(
        target=lambda: database.unit_of_work(slow, holding="stock:i"), daemon=True
    )
    holder.start()
    inside.wait(5)
    with pytest.raises(Busy):
        database.unit_of_work(lambda _: None, holding="stock:i")
    go_on.set()
    holder.join(5)


def test_after_an_unknown_commit_only_the_commit_is_tried_again(
    database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = database._sessions.mine()
    truly, runs, commits = type(session).commit_transaction, [], []

    def commit(self: object) -> None:
        commits.append(1)
        truly(self)  # type: ignore[arg-type]
        if len(commits) == 1:
            error = ConnectionFailure("gone after it committed")
            error._add_error_label("UnknownTransactionCommitResult")
            raise error

    monkeypatch.setattr(type(session), "commit_transaction", commit)

    def body(work: UnitOfWork) -> None:
        runs.append(1)
        work.db.orders.insert_one({"_id": f"o{len(runs)}"}, session=work.session)

    database.unit_of_work(body)

    assert (len(runs), len(commits)) == (1, 2)
    assert [row["_id"] for row in database.db.orders.find({})] == ["o1"]


def test_an_unknown_commit_that_stays_unknown_is_not_run_again(
    database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = database._sessions.mine()
    runs: list[int] = []

    def commit(_: object) -> None:
        if len(runs) == 1 and not monkeypatched:
            monkeypatched.append(1)
            error = ConnectionFailure("gone")
            error._add_error_label("UnknownTransactionCommitResult")
            raise error
        raise OperationFailure("none", 251, {"errorLabels": ["TransientTransactionError"]})

    monkeypatched: list[int] = []
    monkeypatch.setattr(type(session), "commit_transaction", commit)

    with pytest.raises(CommitUnknown):
        database.unit_of_work(lambda _: runs.append(1))
    assert len(runs) == 1


def test_a_dead_slots_open_transaction_is_ended_by_its_successor(
    database: ServiceDatabase,
) -> None:
    database.db.orders.insert_one({"_id": "o1", "state": "PLACED"})
    session = database._sessions.mine()
    session.start_transaction()
    change = {"$set": {"state": "USED"}}
    database.db.orders.update_one({"_id": "o1"}, change, session=session)

    killed = kill_predecessors(database.client, database.db.sessions, database.settings.slot)

    assert killed == 1
    before = clock.monotonic()
    database.db.orders.update_one({"_id": "o1"}, {"$set": {"state": "CANCELLING"}})
    assert clock.monotonic() - before < 2
    database._sessions.drop()


def test_asking_again_takes_the_mark_back(database: ServiceDatabase) -> None:
    database.unit_of_work(lambda work: work.tell(order_placed()))
    marked = {"$set": {"sent_to": "log", "sent_at": clock.real_now()}}
    database.db.outbox.update_one({"_id": "o1:1"}, marked)

    assert database.unit_of_work(lambda work: ask_again(work, "o1:1"))

    row = database.db.outbox.find_one({"_id": "o1:1"})
    assert row is not None
    assert "sent_to" not in row
    assert "sent_at" not in row


def test_two_that_start_at_once_both_find_their_collections(
    database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    present = type(database.db).list_collection_names

    def not_yet(*how: Any, **more: Any) -> list[str]:
        looked.append(1)
        return present(*how, **more) if len(looked) > 1 else []

    monkeypatch.setattr(type(database.db), "list_collection_names", not_yet)

    ensure_indexes(database.db, {"answers": []})

    assert looked
    assert "answers" in database.db.list_collection_names()
