"""Each recipe of docs/operations.md, run as it stands on a house that has just that trouble.

A test is named for its section, and a section with commands that has no test fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, TopicPartition
from pymongo import MongoClient

from deploy.embedded.servers import KafkaServer, MongoServer
from deploy.topics import TOPICS
from shared import clock
from shared.kafka import Outgoing, Producer
from shared.mongo import raise_alarm
from tests.architecture.code import ROOT
from tests.journeys.house import SERVICES, House
from tests.journeys.town import DISTRICT, Shop, Token, Town
from tests.operations.test_watched import DOCUMENT, anchors
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]
ADMIN_PHONE = "13700000001"
COMMAND_WITHIN_S = 120
WITHIN_S = 60.0
WHY = "a test of the recipe"


def recipes() -> dict[str, list[str]]:
    """Return the commands of each section that has any."""
    found = {}
    for section in re.split(r"^## ", DOCUMENT, flags=re.MULTILINE)[1:]:
        (anchor,) = anchors("## " + section.partition("\n")[0])
        blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
        commands = [line for block in blocks for line in block.splitlines()]
        if commands:
            found[anchor.strip("-")] = commands
    return found


class Operated(House):
    """A house whose operator follows the document."""

    more: dict[str, str]
    restore: Callable[[], None]
    looking: MongoClient[Any]

    def environment(self, slot: str) -> dict[str, str]:
        """Return the settings, with what an operator changed."""
        return {**super().environment(slot), **getattr(self, "more", {})}

    def follow(self, anchor: str, **filled_in: str) -> str:
        """Run a section's commands one after another; return what they printed."""
        return "\n".join(self.run(command, **filled_in) for command in recipes()[anchor])

    def run(self, command: str, **filled_in: str) -> str:
        """Run a command as it stands; what is ours to do here is done by the house."""
        if "mongorestore " in command:
            self.restore()
            return ""
        if command.startswith("docker compose "):
            for name, value in filled_in.items():
                command = command.replace(f"${name}", value)
            return self._compose(*command.replace('"', "").split()[2:])
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        own = {**os.environ, **self.environment("operator"), **filled_in, "PATH": path}
        ran = subprocess.run(
            ["bash", "-euc", command],
            cwd=ROOT,
            env=own,
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
            check=False,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout

    def _compose(self, verb: str, *names: str) -> str:
        if (verb, *names) == ("run", "--rm", "rights-mongo"):
            return ""  # this house's database knows no users
        for name in names:
            service, _, kind = name.partition("-")
            assert (service in SERVICES, kind in ("web", "worker")) == (True, True), name
            if kind == "web":
                # Nobody asks while it is stopped; started again, it has its settings anew.
                if verb == "restart":
                    self.serve(service)
                continue
            if verb in ("stop", "restart") and f"{service}-worker-0" in self.workers:
                self.stop_worker(service)
            if verb in ("start", "restart"):
                self.start_worker(service)
        return ""

    def database(self, service: str) -> Any:
        """Return a service's database, as whoever looks sees it."""
        return self.looking[self.prefix + service]


class Street:
    """A town with a shop, and somebody who has points to spend there."""

    def __init__(self, house: Operated) -> None:
        self.house = house
        self.town = Town(house.urls, house.clock_file, admin_phone=ADMIN_PHONE)
        self.ada: Token = self.town.volunteer("王小明")
        self.town.earned(self.ada, hours=8)
        self.shop: Shop = self.town.shop()
        self.item = self.town.item(self.shop, price=10, pieces=1000, limit=1000)

    def order(self) -> str:
        """Ask for a piece, and do not wait."""
        body = {"item_id": self.item, "pieces": 1}
        return str(self.town.services.store.post("/orders", body, by=self.ada)["order_id"])

    def confirmed(self, order_id: str) -> None:
        """Wait until the order has its voucher."""
        self.town.order_in(self.ada, order_id, "CONFIRMED")


@pytest.fixture(scope="module")
def street(
    mongo: MongoServer, kafka: KafkaServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Street]:
    """One for all recipes: each leaves it as it found it."""
    house = Operated(mongo, kafka, tmp_path_factory.mktemp("operated"))
    house.more = {"GONGXIANG_DEAD_LETTERS_AN_HOUR": "3"}
    house.looking = MongoClient(mongo.uri, tz_aware=True)
    forget_topics(kafka)
    house.open()
    try:
        house.bootstrap(district=DISTRICT, admin_phone=ADMIN_PHONE)
        yield Street(house)
    finally:
        house.close()
        house.looking.close()


def forget_topics(kafka: KafkaServer) -> None:
    """Delete all topics, as if the broker had lost them."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap, bootstrap_timeout_ms=5_000)
    wait_until(lambda: not delete(admin), WITHIN_S)
    admin.close()


def delete(admin: KafkaAdminClient) -> list[str]:
    there = [topic for topic in admin.list_topics() if topic in TOPICS]
    if there:
        admin.delete_topics(there, raise_errors=False)
    return there


def test_every_recipe_has_its_test() -> None:
    tested = {name[5:].replace("_", "-") for name in globals() if name.startswith("test_")}

    assert len(recipes()) > 12
    assert set(recipes()) == tested - {"every-recipe-has-its-test"}


def test_what_to_watch(street: Street) -> None:
    assert "all hold" in street.house.follow("what-to-watch")


def test_an_order_hangs(street: Street) -> None:
    street.house.stop_worker("ledger")
    order = street.order()
    outbox = street.house.database("store").outbox
    wait_until(lambda: (outbox.find_one({"_id": f"{order}:1"}) or {}).get("sent_to"), WITHIN_S)

    said = street.house.follow("an-order-hangs", ORDER=order)

    assert said.count(order) >= 2
    assert "is sent and not posted" in said
    street.confirmed(order)


def test_a_worker_is_behind(street: Street) -> None:
    street.house.follow("a-worker-is-behind")

    street.confirmed(street.order())


def test_a_book_is_set_aside(street: Street) -> None:
    books = street.house.database("ledger").books
    mark = {"n": 1, "why": "a fault of memory", "at": clock.real_now()}
    books.update_one({"_id": DISTRICT}, {"$set": {"set_aside": mark}})
    raise_alarm(ledger(street), "book-set-aside", DISTRICT)
    clock.sleep(1.2)  # a writer looks at the row once a second
    order = street.order()
    assert "is set aside" in street.house.run("python -m deploy.waits", ORDER=order)

    said = street.house.follow("a-book-is-set-aside", BOOK=DISTRICT)

    assert "sound" in said
    assert "put back" in said
    street.confirmed(order)


def test_a_dead_letter_appears(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    letters = street.house.database("activities").dead_letters
    with monkeypatch.context() as fault:
        fault.setattr("services.activities.operations.bank_record", lambda *_, **__: 1 / 0)
        record = street.town.confirm(street.town.served(street.town.volunteer()))
        wait_until(lambda: letters.find_one({"state": "open"}), WITHIN_S)
    letter = letters.find_one({"state": "open"})

    said = street.house.follow("a-dead-letter-appears", SERVICE="activities", LETTER=letter["_id"])

    assert "ZeroDivisionError" in said
    assert "settled" in said
    assert letters.find_one({"_id": letter["_id"]})["state"] == "settled"
    street.town.banked(record["record_id"])


def test_a_partition_is_paused(street: Street) -> None:
    pauses = street.house.database("store").pauses
    others = street.house.database("activities")
    send_nonsense(street.house, topic="ledger.events", count=4)
    wait_until(lambda: pauses.find_one({"resumed_at": None}), WITHIN_S)
    wait_until(
        lambda: others.alarms.find_one({"kind": "partition-paused", "settled_at": None}), WITHIN_S
    )
    (paused,) = pauses.find({"resumed_at": None})

    said = street.house.follow(
        "a-partition-is-paused", SERVICE="store", PARTITION=paused["_id"], WHY=WHY
    )

    assert "unknown type" in said
    assert "partitions go on" in said
    assert pauses.find_one({"resumed_at": None}) is None
    for service in ("store", "activities"):
        street.house.run(f"python -m deploy.deadletters --service {service} discard --all")
    street.house.run("python -m deploy.deadletters --service activities resume")
    others.alarms.update_many({}, {"$set": {"settled_at": clock.real_now()}})
    street.confirmed(street.order())


def test_an_alarm_is_raised(street: Street) -> None:
    raise_alarm(ledger(street), "posted-otherwise", "hold:o1", "stands as hold:o1")

    said = street.house.follow(
        "an-alarm-is-raised", SERVICE="ledger", ALARM="posted-otherwise:hold:o1", WHY=WHY
    )

    assert "stands as" in said
    assert "0 个未了结" in street.house.run("python -m deploy.alarms --service ledger list")


def test_kafka_was_lost(street: Street) -> None:
    order = street.order()
    street.confirmed(order)
    forget_topics(street.house.broker)

    said = street.house.follow("kafka-was-lost")

    assert said.count("4 分区") == len(TOPICS)
    street.confirmed(street.order())


def test_messages_were_missed(street: Street) -> None:
    house, person = street.house, street.town.volunteer()
    hearers = {name: house.database(name).volunteer_copies for name in ("activities", "store")}
    heard = {"_id": person.volunteer_id}
    wait_until(lambda: all(copies.find_one(heard) for copies in hearers.values()), WITHIN_S)
    house.stop_worker("store")
    street.town.set_status(person, "frozen")
    heard["status"] = "frozen"
    wait_until(lambda: hearers["activities"].find_one(heard), WITHIN_S)
    wait_until(lambda: house.database("ledger").volunteer_copies.find_one(heard), WITHIN_S)
    clock.sleep(1)  # and what was heard is committed
    delete_all_records(house.broker, "volunteers.events")
    house.start_worker("store")
    alarms = house.database("store").alarms
    wait_until(lambda: alarms.find_one({"kind": "messages-missed", "settled_at": None}), WITHIN_S)
    alarm = alarms.find_one({"kind": "messages-missed", "settled_at": None})
    assert hearers["store"].find_one(heard) is None

    house.follow(
        "messages-were-missed",
        SERVICE="store",
        TELLER="volunteers",
        ALARM=alarm["_id"],
    )

    wait_until(lambda: hearers["store"].find_one(heard), WITHIN_S)


def test_mongodb_was_restored(street: Street) -> None:
    house = street.house
    house.stop_worker("ledger")
    order = street.order()
    wait_until(lambda: "is sent and not posted" in waits(house, order), WITHIN_S)
    kept = {
        (service, name): list(house.database(service)[name].find())
        for service in SERVICES
        for name in house.database(service).list_collection_names()
    }
    kept_at = clock.monotonic()
    house.start_worker("ledger")
    street.confirmed(order)
    later = street.order()
    street.confirmed(later)

    def restore() -> None:
        # No lease of the backup still holds: those that people restore are older.
        clock.sleep(max(0.0, kept_at + 6 - clock.monotonic()))
        for service in SERVICES:
            for name in house.database(service).list_collection_names():
                house.database(service)[name].delete_many({})
                if rows := kept.get((service, name)):
                    house.database(service)[name].insert_many(rows)

    house.restore = restore
    house.follow("mongodb-was-restored", BACKUP="backup")

    street.confirmed(order)
    assert house.database("store").orders.find_one({"_id": later}) is None


def test_a_key_must_be_turned(street: Street) -> None:
    house, old = street.house, street.house.environment("x")["GONGXIANG_VOUCHER_KEYS"]
    order = street.order()
    street.confirmed(order)
    code = street.town.voucher(street.ada, order)
    make_key, restart = recipes()["a-key-must-be-turned"]
    new = f"v2:{house.run(make_key).strip()}"

    for ring in (f"{old},{new}", f"{new},{old}"):
        house.more["GONGXIANG_VOUCHER_KEYS"] = ring
        house.run(restart, SERVICE="store")
        town = Town(house.urls, house.clock_file, admin_phone=ADMIN_PHONE)
        assert town.voucher(street.ada, order) == code
    newer = str(town.order(street.ada, street.item)["order_id"])
    town.order_in(street.ada, newer, "CONFIRMED")

    assert house.database("store").orders.find_one({"_id": newer})["key_id"] == "v2"
    for each in (order, newer):
        assert town.use(street.shop, town.voucher(street.ada, each))["order_id"] == each


def test_more_workers_more_partitions(street: Street) -> None:
    house = street.house
    house.start_worker("store", number=1)
    street.confirmed(street.order())
    house.stop_worker("store-worker-1")

    try:
        said = house.follow("more-workers-more-partitions", PARTITIONS="6")
        assert said.count("6 分区 / partitions (widened)") == len(TOPICS)
        house.more["GONGXIANG_TOPIC_PARTITIONS"] = "6"
        for service in SERVICES:
            house.start_worker(service)
        street.confirmed(street.order())
    finally:
        # The next recipe finds what the first found.
        for name in list(house.workers):
            house.stop_worker(name)
        house.more.pop("GONGXIANG_TOPIC_PARTITIONS", None)
        forget_topics(house.broker)
        for service in SERVICES:
            house.start_worker(service)


def test_the_disk_is_full(street: Street) -> None:
    street.house.follow("the-disk-is-full")


def test_the_clock_is_wrong(street: Street) -> None:
    raise_alarm(ledger(street), "clock-apart", "ledger-worker-0", "600 s")

    street.house.follow("the-clock-is-wrong", SLOT="ledger-worker-0", WHY=WHY)

    assert "0 个未了结" in street.house.run("python -m deploy.alarms --service ledger list")


def ledger(street: Street) -> Any:
    """Return the ledger's database as its worker has it."""
    return street.house.workers["ledger-worker-0"].database


def waits(house: Operated, order: str) -> str:
    return house.run('python -m deploy.waits "$ORDER"', ORDER=order)


def send_nonsense(house: Operated, *, topic: str, count: int) -> None:
    """Send what nobody understands."""
    producer = Producer(house.settings("store", "stranger"))
    sent = producer.send(
        [
            Outgoing(
                topic=topic,
                key=DISTRICT,
                id=f"nonsense:{time.monotonic_ns()}:{number}",
                type="Nonsense",
                source="nobody",
                subject="nothing",
                at="",
                correlation="",
                body="{",
            )
            for number in range(count)
        ]
    )
    producer.close()
    assert all(sent)


def delete_all_records(kafka: KafkaServer, topic: str) -> None:
    """Take away what a topic holds, as retention does."""
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap, bootstrap_timeout_ms=5_000)
    (described,) = admin.describe_topics([topic])
    count = len(described["partitions"])
    admin.delete_records({TopicPartition(topic, number): -1 for number in range(count)})
    admin.close()
