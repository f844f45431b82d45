"""A worker of a small service on a real broker: told, heard once, through whatever happens."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaError

from deploy import deadletters
from deploy.embedded.servers import KafkaServer, MongoServer
from shared import events
from shared.errors import Refusal
from shared.events.store import OrderPlaced
from shared.kafka import Admin, BrokerTrouble, Outgoing, Producer, group_name
from shared.mongo import ServiceDatabase, UnitOfWork, ask_again
from shared.settings import Settings
from shared.worker import Worker, alone
from shared.worker.handling import Subscriptions
from tests.shared.conftest import settings_for
from tests.shared.small_service import SUBSCRIPTIONS, effect, on_order_placed, placed
from tests.waiting import wait_until

pytestmark = pytest.mark.servers


@pytest.fixture
def settings(mongo: MongoServer, empty_kafka: KafkaServer) -> Settings:
    return settings_for(mongo, empty_kafka, slot="hearer-worker-0", dead_letters_an_hour=5)


@pytest.fixture(autouse=True)
def topics(settings: Settings) -> None:
    """Make the topics, so that a test hears only its own."""
    admin = Admin(settings)
    names = ["store.events", "ledger.events"]
    admin.ensure_topics(names)
    wait_until(lambda: admin.log_ids(names) is not None)
    admin.close()


@contextmanager
def running(worker: Worker) -> Iterator[list[int]]:
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(worker.run()), daemon=True)
    thread.start()
    try:
        yield ended
    finally:
        worker.stop()
        thread.join(15)
        assert not thread.is_alive()


@pytest.fixture
def teller(connect: Callable[..., ServiceDatabase], settings: Settings) -> ServiceDatabase:
    return connect("store", replace(settings, slot="reader"))


@pytest.fixture
def hearer(connect: Callable[..., ServiceDatabase], settings: Settings) -> ServiceDatabase:
    return connect("ledger", replace(settings, slot="reader"))


def teller_of(settings: Settings) -> Worker:
    own = replace(settings, slot="teller-worker-0")
    database = ServiceDatabase.connect(own, "store")
    return Worker(settings=own, database=database, subscriptions={})


def hearer_of(settings: Settings, subscriptions: Subscriptions = SUBSCRIPTIONS) -> Worker:
    database = ServiceDatabase.connect(settings, "ledger")
    return Worker(settings=settings, database=database, subscriptions=subscriptions)


def tell(teller: ServiceDatabase, *told: OrderPlaced) -> None:
    def body(work: UnitOfWork) -> None:
        for event in told:
            work.tell(event)

    teller.unit_of_work(body)


def send_raw(settings: Settings, **changes: str) -> None:
    event = placed(changes.pop("subject", "o9"))
    event = replace(event, district=changes.get("key", event.district))
    values = {
        "topic": "store.events",
        "key": "430211",
        "id": "raw:1",
        "type": "OrderPlaced",
        "source": "store",
        "subject": "o9",
        "at": "2026-01-01T00:00:00Z",
        "correlation": "",
        "body": json.dumps(events.encode(event)),
    }
    producer = Producer(settings)
    assert producer.send([Outgoing(**{**values, **changes})]) == [True]
    producer.close()


def test_what_is_told_is_heard_once_and_in_order(
    teller: ServiceDatabase, hearer: ServiceDatabase, settings: Settings
) -> None:
    tell(teller, *[placed(f"o{number}") for number in range(30)])
    with running(teller_of(settings)), running(hearer_of(settings)):
        wait_until(lambda: hearer.db.inbox.count_documents({}) == 30)
        teller.unit_of_work(lambda work: ask_again(work, "o3:1"))
        wait_until(lambda: (teller.db.outbox.find_one({"_id": "o3:1"}) or {}).get("sent_to"))
        tell(teller, placed("o30"))
        wait_until(lambda: effect(hearer, "o30") == 1)

    assert all(effect(hearer, f"o{number}") == 1 for number in range(31))


def test_bad_messages_are_dead_letters_and_their_neighbours_are_heard(
    hearer: ServiceDatabase, settings: Settings
) -> None:
    bodies = {"json": "{", "type": "[]", "field": '{"order_id": 7}', "deep": "[" * 100_000}
    with running(hearer_of(settings)):
        for name, body in list(bodies.items())[:3]:
            send_raw(settings, id=f"{name}:1", body=body)
        send_raw(settings, id="nobody:1", source="volunteers")
        send_raw(settings, id="unknown:1", type="NeverHeardOf")
        send_raw(settings, id="o1:1", subject="o1")
        wait_until(lambda: effect(hearer, "o1") == 1)

    letters = {row["_id"]: row for row in hearer.db.dead_letters.find({})}
    assert set(letters) == {"json:1", "type:1", "field:1", "nobody:1", "unknown:1"}
    assert letters["json:1"]["body"] == b"{"
    assert hearer.db.inbox.find_one({"_id": "json:1"}) is None


def test_refusals_and_faults_are_dead_letters_and_alarms_are_not(
    teller: ServiceDatabase, hearer: ServiceDatabase, settings: Settings
) -> None:
    tell(
        teller,
        placed("good1"),
        placed("refused", pieces=13),
        placed("alarming", pieces=14),
        placed("fault", pieces=15),
        placed("taken", pieces=16),
        placed("good2"),
    )
    with running(teller_of(settings)), running(hearer_of(settings)):
        wait_until(lambda: effect(hearer, "good2") == 1 and effect(hearer, "good1") == 1)
        wait_until(lambda: hearer.db.alarms.find_one({"kind": "fourteen"}))
        wait_until(lambda: hearer.db.dead_letters.count_documents({}) == 3)

    letters = {row["_id"] for row in hearer.db.dead_letters.find({})}
    assert letters == {"refused:1", "fault:1", "taken:1"}
    assert {row["_id"] for row in hearer.db.inbox.find({})} == {"good1:1", "good2:1"}


def test_a_dead_letter_is_settled_when_its_event_is_handled_later(
    teller: ServiceDatabase, hearer: ServiceDatabase, settings: Settings
) -> None:
    repaired = threading.Event()

    def handle(work: UnitOfWork, event: OrderPlaced, now: datetime) -> None:
        if not repaired.is_set():
            raise Refusal("not yet")
        on_order_placed(work, event, now)

    tell(teller, placed("o1"))
    with running(teller_of(settings)), running(hearer_of(settings, {OrderPlaced: handle})):
        wait_until(lambda: hearer.db.dead_letters.find_one({"state": "open"}))
        repaired.set()
        teller.unit_of_work(lambda work: ask_again(work, "o1:1"))
        wait_until(lambda: hearer.db.dead_letters.find_one({"state": "settled"}))

    assert effect(hearer, "o1") == 1


def test_too_many_dead_letters_pause_one_partition_until_it_is_resumed(
    hearer: ServiceDatabase, settings: Settings
) -> None:
    worker = hearer_of(settings)
    with running(worker):
        for number in range(8):
            send_raw(settings, id=f"bad:{number}", body="{", key="430211")
        paused = wait_until(lambda: hearer.db.pauses.find_one({"resumed_at": None}))
        send_raw(settings, id="behind:1", subject="behind", key="430211")
        other = next(
            key for key in map(str, range(100)) if partition(settings, key) != paused["partition"]
        )
        send_raw(settings, id="other:1", subject="other", key=other)
        wait_until(lambda: effect(hearer, "other") == 1)
        assert effect(hearer, "behind") == 0
        assert hearer.db.pauses.count_documents({}) == 1
        assert hearer.db.alarms.find_one({"kind": "partition-paused", "about": paused["_id"]})

        assert deadletters.resume(worker) == 1
        wait_until(lambda: effect(hearer, "behind") == 1)
        assert hearer.db.pauses.count_documents({"resumed_at": None}) == 0


def partition(settings: Settings, key: str) -> int:
    from kafka.partitioner.default import murmur2

    return int((murmur2(key.encode()) & 0x7FFFFFFF) % settings.topic_partitions)


def test_a_worker_that_starts_again_hears_the_partitions_made_meanwhile(
    hearer: ServiceDatabase, settings: Settings
) -> None:
    with running(hearer_of(settings)):
        send_raw(settings, id="o1:1", subject="o1")
        wait_until(lambda: effect(hearer, "o1"))
    wider = replace(settings, topic_partitions=4)
    admin = Admin(settings)
    for topic in ("store.events", "ledger.events"):
        admin.widen(topic, wider.topic_partitions)
    admin.close()
    key = next(f"{code}" for code in range(430_100, 430_300) if partition(wider, f"{code}") >= 2)

    # As its predecessor's heir it would be given the partitions of before, and miss the others.
    with running(hearer_of(wider)):
        send_raw(wider, id="o2:1", subject="o2", key=key)
        wait_until(lambda: effect(hearer, "o2"))


def test_a_worker_goes_on_by_itself_when_its_topics_are_made_anew(
    teller: ServiceDatabase, hearer: ServiceDatabase, settings: Settings
) -> None:
    tell(teller, placed("o1"))
    with running(teller_of(settings)) as told, running(hearer_of(settings)) as heard:
        wait_until(lambda: effect(hearer, "o1") == 1)
        admin = Admin(settings)
        admin._client.delete_topics(["store.events"])
        wait_until(lambda: told and heard, 30)
        assert (told, heard) == ([0], [0])
        admin.close()

    with running(teller_of(settings)), running(hearer_of(settings)):
        tell(teller, placed("o2"))
        wait_until(lambda: effect(hearer, "o2") == 1, 30)
        wait_until(lambda: teller.db.outbox.count_documents({"sent_to": None}) == 0)
        admin = Admin(settings)
        ids = admin.log_ids(["store.events"])
        assert ids
        group = group_name("ledger", ids)
        wait_until(lambda: sum(admin.group_offsets(group).values()) == 2)
        admin.close()

    assert effect(hearer, "o1") == 1


def test_a_handler_of_a_contended_thing_has_a_transaction_of_its_own(
    teller: ServiceDatabase, hearer: ServiceDatabase, settings: Settings
) -> None:
    held: list[str] = []

    def holding(_: ServiceDatabase, event: OrderPlaced) -> str:
        held.append(event.item_id)
        return f"stock:{event.item_id}"

    tell(teller, *[placed(f"o{number}") for number in range(4)])
    with (
        running(teller_of(settings)),
        running(hearer_of(settings, {OrderPlaced: alone(on_order_placed, holding=holding)})),
    ):
        wait_until(lambda: all(effect(hearer, f"o{number}") == 1 for number in range(4)))

    assert held == ["i"] * 4


def test_what_retention_took_unread_is_an_alarm(
    teller: ServiceDatabase, hearer: ServiceDatabase, settings: Settings
) -> None:
    tell(teller, placed("o1"))
    with running(teller_of(settings)):
        with running(hearer_of(settings)):
            wait_until(lambda: effect(hearer, "o1") == 1)
            admin = Admin(settings)
            group = group_name("ledger", admin.log_ids(["store.events"]) or {})
            wait_until(lambda: sum(admin.group_offsets(group).values()) == 1)
        tell(teller, placed("o2"))
        wait_until(lambda: teller.db.outbox.count_documents({"sent_to": None}) == 0)
        place = TopicPartition("store.events", partition(settings, "430211"))
        admin._client.delete_records({place: 2})
        admin.close()
        with running(hearer_of(settings)):
            wait_until(lambda: hearer.db.alarms.find_one({"kind": "messages-missed"}))

    alarm = hearer.db.alarms.find_one({"kind": "messages-missed"})
    assert alarm is not None
    assert alarm["about"] == f"store.events:{place.partition}"
    assert alarm["detail"].startswith("1 messages gone unread, heard last: 20")


def test_what_was_deleted_before_the_first_commit_is_an_alarm_too(
    teller: ServiceDatabase, hearer: ServiceDatabase, settings: Settings
) -> None:
    admin = Admin(settings)
    group = group_name("ledger", admin.log_ids(["store.events"]) or {})

    def begun() -> bool:
        try:
            return len(admin.group_offsets(group)) == settings.topic_partitions
        except BrokerTrouble:
            return False

    with running(hearer_of(settings)):
        wait_until(begun)
    tell(teller, placed("o1"))
    with running(teller_of(settings)):
        wait_until(lambda: teller.db.outbox.count_documents({"sent_to": None}) == 0)
    place = TopicPartition("store.events", partition(settings, "430211"))
    admin._client.delete_records({place: 1})
    admin.close()
    with running(hearer_of(settings)):
        wait_until(lambda: hearer.db.alarms.find_one({"kind": "messages-missed"}))

    alarm = hearer.db.alarms.find_one({"kind": "messages-missed"}) or {}
    assert alarm["about"] == f"store.events:{place.partition}"
    assert alarm["detail"].startswith(
        "1 messages gone unread, heard last: nothing; rewind their teller"
    )


class FatalClient:
    """A client as after a fatal error: it takes every message, and none of them arrives."""

    made: ClassVar[list[FatalClient]] = []

    def __init__(self, **_settings: object) -> None:
        self.made.append(self)
        self.fails, self.closed = len(self.made) == 1, False

    def send(self, *_args: object, **_kwargs: object) -> FatalClient:
        return self

    def get(self, **_kwargs: object) -> None:
        if self.fails:
            raise KafkaError("fatal")

    def close(self, **_kwargs: object) -> None:
        self.closed = True


def test_after_a_failed_send_a_new_client_sends(
    mongo: MongoServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FatalClient, "made", [])
    monkeypatch.setattr("shared.kafka.producer.KafkaProducer", FatalClient)
    told = Outgoing(
        topic="store.events",
        key="430211",
        id="o1:1",
        type="OrderPlaced",
        source="store",
        subject="o1",
        at="",
        correlation="",
        body="{}",
    )
    producer = Producer(settings_for(mongo))

    assert producer.send([told]) == [False]
    assert producer.send([told]) == [True]
    assert producer.send([told]) == [True]
    assert [client.closed for client in FatalClient.made] == [True, False]
