"""Messages that nobody should send, by the hundred: no hearer falls, and no neighbour waits.

Each service that hears a topic hears them through its own loop on a real database. How many:
``GONGXIANG_MESSAGES`` (`make fuzz` sends 10,000); the seed is printed, ``GONGXIANG_SEED`` replays.
"""

from __future__ import annotations

import importlib
import json
import os
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from kafka import KafkaProducer

from deploy.embedded.servers import KafkaServer, MongoServer
from services.ledger.operations.verifying import verify
from shared import events
from shared.kafka import Admin, Message, Missed, Place
from shared.mongo import ServiceDatabase
from shared.worker import Worker
from shared.worker.hearing import Hearing, NothingAssigned
from tests.conftest import empty
from tests.contracts.mutations import lying, mutated, neighbour
from tests.journeys.house import SERVICES, House
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(900)]

SEED = int(os.environ.get("GONGXIANG_SEED") or random.randrange(10**9))
COUNT = int(os.environ.get("GONGXIANG_MESSAGES") or 250)
COUNT_OVER_BROKER = 150
NEIGHBOUR_EVERY = 50
HEARD_WITHIN_S = 600.0
DISTRICT = "430211"
TOPICS = [events.topic_of(service) for service in SERVICES]
HEARERS = sorted(
    {
        (service, events.topic_of(events.source_of(kind)))
        for service in SERVICES
        for kind in importlib.import_module(f"services.{service}.handlers").SUBSCRIPTIONS
    }
)


@dataclass
class Partition:
    """A partition read without a broker: gives what lies in it, remembers what was committed."""

    place: Place
    messages: Sequence[Message]
    stop: threading.Event
    given: int = 0
    committed: dict[Place, Message] = field(default_factory=dict)

    def poll(self, _timeout_ms: int) -> dict[Place, list[Message]]:
        some = list(self.messages[self.given : self.given + 200])
        self.given += len(some)
        return {self.place: some} if some else {}

    def commit(self, places: Mapping[Place, Message]) -> bool:
        self.committed.update(places)
        if places[self.place].offset == self.messages[-1].offset:
            self.stop.set()
        return True

    def assignment(self) -> set[Place]:
        return {self.place}

    def assigned_anew(self) -> set[Place]:
        return set()

    def missed(self) -> list[Missed]:
        return []

    def unread(self) -> int:
        return len(self.messages) - self.given

    def paused(self) -> set[Place]:
        return set()

    def wait_with(self, place: Place, offset: int) -> None:
        raise AssertionError(f"{place} was told to wait at {offset}")

    def go_on_with(self, place: Place) -> None:
        raise AssertionError(f"{place} never waited")


@pytest.fixture(scope="module")
def house(
    mongo: MongoServer, kafka: KafkaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A district with its book open; no worker runs. The ledger's answers go to a real broker."""
    empty(kafka)
    house = House(mongo, kafka, tmp_path_factory.mktemp("mutated"))
    house.more["GONGXIANG_DEAD_LETTERS_AN_HOUR"] = str(10**6)
    house.serve("volunteers")
    house.bootstrap(district=DISTRICT, admin_phone="13700000009")
    yield house
    house.close()


@pytest.fixture
def worker(house: House, service: str, request: pytest.FixtureRequest) -> Iterator[Worker]:
    """A service's worker as its process makes it; only its hearing is used here."""
    settings = house.settings(service, f"{service}-worker-0")
    admin = Admin(settings)
    admin.ensure_topics(TOPICS)
    admin.close()
    worker: Worker = importlib.import_module(f"services.{service}.worker").create_worker(settings)
    yield worker
    worker.stop()
    worker._close()


def hear(worker: Worker, messages: Sequence[Message]) -> Partition:
    """Let a worker's hearing loop hear a partition to its end; whatever ends it is raised."""
    place = (messages[0].topic, 0)
    stop = threading.Event()
    partition = Partition(place, messages, stop)
    hearing = Hearing(
        database=worker.database,
        hearer=worker.hearer,
        consumer=partition,  # type: ignore[arg-type]
        log_ids={place[0]: "cluster:topic"},
        stop=stop,
        handled=threading.Event(),
    )
    guard = threading.Timer(HEARD_WITHIN_S, stop.set)
    guard.start()
    try:
        hearing.run()
    finally:
        guard.cancel()
    return partition


def good_ones(topic: str, count: int) -> list[Message]:
    """Return good messages of a topic, each about something of its own."""
    made = []
    for number in range(count):
        one = f"01KAGZ7N{number:018d}"
        if topic == "volunteers.events":
            made.append(neighbour("VolunteerRegistered", volunteer_id=one, version=1))
        elif topic == "activities.events":
            values = {"record_id": one, "volunteer_id": one, "version": 1, "district": DISTRICT}
            made.append(neighbour("ServiceConfirmed", **values))
        elif topic == "store.events":
            values = {"order_id": one, "volunteer_id": one, "version": 1, "district": DISTRICT}
            made.append(neighbour("OrderPlaced", **values))
        else:
            kind, about = (("PointsEarned", "record_id"), ("HoldPlaced", "order_id"))[number % 2]
            made.append(neighbour(kind, n=10**6 + number, district=DISTRICT, **{about: one}))
    return made


def become(database: ServiceDatabase, message: Message) -> str | None:
    """Return what became of a message: an effect, a dead letter, an alarm; None for nothing."""
    event_id, body = message.headers["ce_id"], json.loads(message.body)
    db, about = database.db, str(next(iter(body.values())))
    if "journal" in db.list_collection_names():
        if db.journal.find_one({"cause.id": event_id}):
            return "posted"
        if "status" in body and db.volunteer_copies.find_one({"_id": body["volunteer_id"]}):
            return "copied"
    if db.inbox.find_one({"_id": event_id}):
        return "heard"
    if db.dead_letters.find_one({"_id": event_id}):
        return "dead letter"
    about = body.get("record_id") or body.get("order_id") or about
    return "alarm" if db.alarms.find_one({"about": about}) else None


@pytest.mark.parametrize(("service", "topic"), HEARERS)
def test_mutated_messages_stop_no_hearer_and_no_neighbour(
    house: House, worker: Worker, service: str, topic: str
) -> None:
    print(f"GONGXIANG_SEED={SEED} GONGXIANG_MESSAGES={COUNT}")
    messages: list[Message] = []
    good = good_ones(topic, COUNT // NEIGHBOUR_EVERY)
    for number, message in enumerate(mutated(topic, COUNT, seed=SEED)):
        messages.append(message)
        if number % NEIGHBOUR_EVERY == NEIGHBOUR_EVERY - 1:
            messages.append(good[number // NEIGHBOUR_EVERY])
    messages = lying(messages)

    partition = hear(worker, messages)

    db = worker.database.db
    letters = list(db.dead_letters.find({"topic": topic}))
    assert partition.committed[topic, 0].offset == messages[-1].offset
    assert [row["reason"] for row in letters if row["reason"].startswith("unforeseen")] == []
    assert len(letters) > COUNT // 4
    kinds = worker.hearer.wants
    wanted = [m for m in good if kinds(events.EVENTS[m.headers["ce_type"]])]
    assert len(wanted) >= COUNT // NEIGHBOUR_EVERY // 2
    assert [m.headers["ce_id"] for m in wanted if become(worker.database, m) is None] == []
    if service == "ledger":
        verdict = verify(worker.database, book=DISTRICT, progress=lambda _done, _of: None)
        assert verdict.sound, verdict
        assert db.books.find_one({"set_aside": {"$ne": None}}) is None


def test_over_a_real_broker_no_worker_falls_either(
    mongo: MongoServer, empty_kafka: KafkaServer, tmp_path: Path
) -> None:
    """A part of them through Kafka itself, with keys and headers that are no text at all."""
    print(f"GONGXIANG_SEED={SEED}")
    house = House(mongo, empty_kafka, tmp_path)
    house.more["GONGXIANG_DEAD_LETTERS_AN_HOUR"] = str(10**6)
    house.open()
    producer = KafkaProducer(bootstrap_servers=empty_kafka.bootstrap)
    try:
        house.bootstrap(district=DISTRICT, admin_phone="13700000008")
        good = {topic: good_ones(topic, 5) for topic in TOPICS}
        sent = []
        for topic in TOPICS:
            for message in [*mutated(topic, COUNT_OVER_BROKER, seed=SEED), *good[topic]]:
                headers = [(name, value.encode()) for name, value in message.headers.items()]
                headers += [("\u5934", b"\xff\xfe"), ("empty", b"")][message.offset % 3 :]
                sent.append(
                    producer.send(topic, value=message.body, key=message.key, headers=headers)
                )
        for future in sent:
            future.get(timeout=20)
        for service, topic in HEARERS:
            worker = house.workers[f"{service}-worker-0"]
            for message in good[topic]:
                if worker.hearer.wants(events.EVENTS[message.headers["ce_type"]]):
                    wait_until(partial(become, worker.database, message), 60)
        # Who is given no partition for long, on a busy machine, joins anew by a new life.
        assert [end for end in house.ended_by if not isinstance(end, NothingAssigned)] == []
    finally:
        producer.close()
        house.close()
