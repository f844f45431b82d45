"""What nobody had read yet is deleted from a topic: seen, counted, told again by an operator."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from deploy.audit import audit
from deploy.embedded.servers import KafkaServer, MongoServer
from tests.faults.conftest import opened
from tests.faults.customer import Customer
from tests.journeys.house import House
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

AN_ORDER_WITHIN_S = 15.0
SEEN_WITHIN_S = 20.0

Ends = dict[TopicPartition, int]


def ends(kafka: KafkaServer, topic: str) -> Ends:
    """Return where each partition of a topic ends."""
    consumer = KafkaConsumer(bootstrap_servers=kafka.bootstrap)
    places = [TopicPartition(topic, n) for n in sorted(consumer.partitions_for_topic(topic) or ())]
    found: Ends = consumer.end_offsets(places)
    consumer.close()
    return found


def grown(kafka: KafkaServer, topic: str, before: Ends) -> Ends:
    """Wait until something new is in a topic; return where it is, and the new ends."""
    return wait_until(
        lambda: {p: n for p, n in ends(kafka, topic).items() if n > before[p]},
        SEEN_WITHIN_S,
        what=f"something new in {topic}",
    )


def deleted_unread(kafka: KafkaServer, topic: str, before: Ends) -> list[str]:
    """Delete all of a partition once something new is in it; return those that lost it."""
    lost = grown(kafka, topic, before)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records(lost)
    admin.close()
    return [f"{place.topic}:{place.partition}" for place in lost]


def alarmed(house: House, service: str, places: Sequence[str]) -> list[str]:
    """Wait until a service has seen what it missed; return the alarms by their full names."""
    rows = house.workers[f"{service}-worker-0"].database.db.alarms
    names = [f"messages-missed:{place}" for place in places]
    for name in names:
        row = wait_until(
            partial(rows.find_one, {"_id": name}),
            SEEN_WITHIN_S,
            what=f"{service} sees {name}",
        )
        assert row["detail"].startswith("1 messages gone unread"), row["detail"]
    return [f"{service}:{name}" for name in names]


def rewound(house: House, service: str) -> None:
    """Tell the last hour again, as an operator does."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.rewind", "--service", service, "--hours", "1"],
        env=house.environment("rewind"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout.startswith(f"{service}：0 "), done.stdout


def test_records_deleted_that_nobody_had_read_are_missed_and_told_again(
    mongo: MongoServer, empty_kafka: KafkaServer, tmp_path: Path
) -> None:
    kafka = empty_kafka
    with opened(mongo, kafka, tmp_path) as (house, town):
        customer = Customer(town)
        house.stop_worker("ledger")
        before = ends(kafka, "store.events")
        order = customer.orders()
        lost = deleted_unread(kafka, "store.events", before)
        house.start_worker("ledger")
        alarms = alarmed(house, "ledger", lost)
        assert town.order_as_it_is(customer.person, order)["state"] == "PLACED"
        rewound(house, "store")
        customer.served_within(AN_ORDER_WITHIN_S, order)

        house.stop_worker("ledger")
        asked, answered = ends(kafka, "store.events"), ends(kafka, "ledger.events")
        order = customer.orders()
        grown(kafka, "store.events", asked)
        house.stop_worker("store")
        house.start_worker("ledger")
        lost = deleted_unread(kafka, "ledger.events", answered)
        house.start_worker("store")
        alarms += alarmed(house, "store", lost)
        rewound(house, "ledger")
        customer.served_within(AN_ORDER_WITHIN_S, order)

        report = audit(
            house.mongo.uri,
            kafka.bootstrap,
            database_prefix=house.prefix,
            strict=False,
            told=town.told.answers,
            expected_alarms=alarms,
        )
    assert report.holds, [one for one in report.invariants if not one.holds]
