"""Dead letters: seen, repaired and replayed, or let be."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from deploy import deadletters
from deploy.embedded.servers import MongoServer
from services.store.model import Order, State
from services.store.settings import StoreSettings
from services.store.worker import create_worker
from shared import clock, events, ids
from shared.events.ledger import HoldPlaced
from shared.kafka import Message
from shared.settings import KeyRing
from shared.worker import DeadLetter, Heard, Unheard, Worker, dead_letters, read

pytestmark = pytest.mark.servers

KEY = bytes(range(32))


@pytest.fixture
def settings(mongo: MongoServer) -> StoreSettings:
    return StoreSettings(
        mode="embedded",
        mongo_uri=mongo.uri,
        kafka_bootstrap="127.0.0.1:1",
        jwks_url="",
        database_prefix=f"d{ids.new_id()}_",
        voucher_keys=KeyRing(keys={"k1": KEY}),
        log_level="CRITICAL",
    )


@pytest.fixture
def worker(settings: StoreSettings) -> Iterator[Worker]:
    worker = create_worker(settings)
    yield worker
    worker.database.client.drop_database(worker.database.db.name)
    worker.database.close()


def hold_placed(order_id: str) -> Message:
    """Return the ledger's answer that an order's points are set aside."""
    event = HoldPlaced(
        district="430211",
        n=7,
        at=clock.now(),
        order_id=order_id,
        volunteer_id="ada",
        amount=50,
    )
    headers = {"ce_id": f"430211:7:{order_id}", "ce_type": "HoldPlaced", "ce_source": "ledger"}
    return message(headers, json.dumps(events.encode(event)).encode())


def message(headers: dict[str, str], body: bytes) -> Message:
    return Message(
        topic="ledger.events",
        partition=1,
        offset=5,
        at_ms=0,
        key=b"430211",
        headers=headers,
        body=body,
    )


def hear(worker: Worker, came: Message) -> None:
    """Let the worker handle a message as its hearing loop does."""
    heard = read(came, "cluster:topic")
    if isinstance(heard, Unheard):
        letters = [DeadLetter(id=heard.id, reason=heard.reason, message=came)]
    else:
        letters = list(worker.hearer.handle([heard], clock.now()))
    for letter in letters:
        dead_letters.keep(worker.database, [letter])


def place_order(worker: Worker, order_id: str) -> None:
    """Put an order there that waits for its points."""
    now = clock.now()
    order = Order(
        order_id=order_id,
        district="430211",
        zone="Asia/Shanghai",
        merchant_id="m1",
        item_id="i1",
        item_title="米 rice",
        volunteer_id="ada",
        pieces=1,
        price=50,
        amount=50,
        month="2026-11",
        code_hash=order_id,
        key_id="k1",
        last_day="2026-12-21",
        expires_at=now + timedelta(days=30),
        placed_at=now,
        give_up_at=now + timedelta(minutes=10),
    )
    values = {name: value for name, value in vars(order).items() if name != "order_id"}
    worker.database.db.orders.insert_one({"_id": order_id, **values, "state": State.PLACED.value})


def state_of(worker: Worker, collection: str, _id: str) -> Any:
    row = worker.database.db[collection].find_one({"_id": _id})
    assert row is not None, _id
    return row["state"]


def test_a_dead_letter_is_handled_once_its_cause_is_repaired(worker: Worker) -> None:
    hear(worker, hold_placed("o1"))
    assert [row["_id"] for row in deadletters.letters(worker)] == ["430211:7:o1"]

    place_order(worker, "o1")
    replayed = list(deadletters.replay(worker))

    assert [(one.id, one.settled) for one in replayed] == [("430211:7:o1", True)]
    assert state_of(worker, "orders", "o1") == "CONFIRMED"
    assert state_of(worker, "dead_letters", "430211:7:o1") == "settled"
    assert not list(deadletters.replay(worker))


def test_a_dead_letter_whose_cause_stands_stays_open(worker: Worker) -> None:
    hear(worker, hold_placed("o1"))

    [replayed] = deadletters.replay(worker)

    assert not replayed.settled
    assert "unknown-order" in replayed.why
    assert state_of(worker, "dead_letters", "430211:7:o1") == "open"


def test_what_is_no_event_stays_open_whatever_one_does(worker: Worker) -> None:
    hear(worker, message({}, b"\xff{"))

    [replayed] = deadletters.replay(worker)

    assert not replayed.settled
    assert replayed.why == "no event id"


def test_only_those_that_were_named_are_replayed(worker: Worker) -> None:
    for order in ("o1", "o2"):
        hear(worker, hold_placed(order))
        place_order(worker, order)

    replayed = list(deadletters.replay(worker, ["430211:7:o2"]))

    assert [one.id for one in replayed] == ["430211:7:o2"]
    assert state_of(worker, "orders", "o1") == "PLACED"


def test_a_discarded_one_stays_discarded_and_only_counts(worker: Worker) -> None:
    hear(worker, hold_placed("o1"))

    assert deadletters.discard(worker, ["430211:7:o1"]) == 1
    hear(worker, hold_placed("o1"))

    row = worker.database.db.dead_letters.find_one()
    assert row is not None
    assert (row["state"], row["count"]) == ("discarded", 2)
    assert not list(deadletters.replay(worker))


def test_paused_partitions_go_on_after_resume(worker: Worker) -> None:
    worker.database.db.pauses.insert_one({"_id": "ledger.events:1", "resumed_at": None})

    assert deadletters.resume(worker) == 1
    assert deadletters.resume(worker) == 0


def test_the_command_lists_shows_and_replays(
    worker: Worker,
    settings: StoreSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    hear(worker, hold_placed("o1"))
    variables = {
        "MODE": "embedded",
        "MONGO_URI": settings.mongo_uri,
        "KAFKA_BOOTSTRAP": "none",
        "JWKS_URL": "none",
        "DATABASE_PREFIX": settings.database_prefix,
        "VOUCHER_KEYS": f"k1:{base64.urlsafe_b64encode(KEY).decode()}",
        "LOG_LEVEL": "CRITICAL",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"GONGXIANG_{name}", value)
    here = ["--service", "store"]

    assert deadletters.main([*here, "list"]) == 0
    assert "430211:7:o1" in capsys.readouterr().out
    assert deadletters.main([*here, "show", "430211:7:o1"]) == 0
    assert json.loads(capsys.readouterr().out)["headers"]["ce_type"] == "HoldPlaced"
    assert deadletters.main([*here, "show", "nothing"]) == 1
    assert deadletters.main([*here, "replay", "--all"]) == 1
    assert "unknown-order" in capsys.readouterr().out
    assert deadletters.main([*here, "replay"]) == 2

    place_order(worker, "o1")
    assert deadletters.main([*here, "replay", "430211:7:o1"]) == 0
    assert deadletters.main([*here, "list"]) == 0
    assert capsys.readouterr().out.endswith("0 件 / dead letters\n")


def test_a_message_is_heard_as_it_came(worker: Worker) -> None:
    came = hold_placed("o1")
    hear(worker, came)

    kept = dead_letters.message_of(deadletters.letters(worker)[0])

    assert kept == came
    assert isinstance(read(kept, ""), Heard)
