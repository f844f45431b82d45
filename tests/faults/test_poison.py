"""Poison among good messages: its neighbours hardly wait, and exactly it is a dead letter."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from deploy.audit import audit
from deploy.audit.logs import HEARS
from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock, events
from shared.events import ledger as told
from shared.kafka import Admin
from shared.settings import Settings
from tests.faults.conftest import opened
from tests.faults.customer import Customer
from tests.journeys.house import SERVICES
from tests.journeys.town import DISTRICT

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

CALM_ORDERS = 8
TRIES = 3
WITHIN_S = 30.0
DELAYED_MAX_S = 1.0
CALM_S, SLOWER_MAX = 0.1, 4.0
"""What an order takes where that is promised, and how much slower a machine may be."""
DEEP = b'{"a":' * 50_000 + b"1" + b"}" * 50_000
LARGE = json.dumps({"order_id": "x" * 1_000_000}).encode()
BODIES = {"not-json": b"{", "not-utf8": b'"\xff"', "list": b"[]", "deep": DEEP, "large": LARGE}
OF_NOBODY = "of-nobody"
"""What the ledger would tell of an order that was never placed."""
POISONS = (*BODIES, "type", "source", "nameless", OF_NOBODY)
NOBODYS = "01JZZZZZZZZZZZZZZZZZZZZZZZ"


def headers(event_id: str, kind: str, source: str) -> list[tuple[str, bytes]]:
    values = {"ce_id": event_id, "ce_type": kind, "ce_source": source}
    return [(name, value.encode()) for name, value in values.items()]


def poison(service: str, name: str, n: int) -> tuple[str | None, list[tuple[str, bytes]], bytes]:
    """Return what nobody can handle on a service's topic: id if it has one, headers, body."""
    if name == "nameless":
        return None, [], b"{}"
    kind = next(kind for kind, source in events.SOURCES.items() if source == service)
    event_id = f"poison-{service}-{name}:{n}"
    if name == "type":
        return event_id, headers(event_id, "NothingHeardOf", service), b"{}"
    if name == "source":
        return event_id, headers(event_id, kind, "elsewhere"), b"{}"
    return event_id, headers(event_id, kind, service), BODIES[name]


def of_nobody(n: int) -> Iterator[tuple[str, list[tuple[str, bytes]], bytes]]:
    """Yield what the ledger would tell of an order that was never placed."""
    of, at = {"district": DISTRICT, "order_id": NOBODYS}, clock.now()
    for event in (
        told.HoldPlaced(**of, at=at, n=n, volunteer_id=NOBODYS, amount=1),
        told.HoldRefused(**of, at=at, n=n + 1, reason="insufficient-points"),
        told.HoldCaptured(**of, at=at, n=n + 2, amount=1),
        told.HoldReleased(**of, at=at, n=n + 3, amount=1),
    ):
        event_id = f"{DISTRICT}:{event.n}:000000000000"
        body = json.dumps(events.encode(event)).encode()
        yield event_id, headers(event_id, type(event).__name__, "ledger"), body


class Poisoner:
    """Sends poison into every partition of every topic, and knows what must come of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = KafkaProducer(bootstrap_servers=settings.kafka_bootstrap)
        admin = Admin(self._settings)
        topics = [events.topic_of(service) for service in SERVICES]
        self._logs = admin.log_ids(topics) or {}
        admin.close()
        self.letters: dict[str, set[str]] = {service: set() for service in SERVICES}

    def send(self, name: str, again: int) -> None:
        """Send one kind of poison to each partition of each topic; each time new ones."""
        if name == OF_NOBODY:
            self._send_of_nobody(again)
            return
        partitions = self._settings.topic_partitions
        for service in SERVICES:
            topic = events.topic_of(service)
            for partition in range(partitions):
                event_id, given, body = poison(service, name, again * partitions + partition)
                self._send(topic, partition, event_id, given, body)

    def _send_of_nobody(self, again: int) -> None:
        for event_id, given, body in of_nobody(1_000_000 + 100 * again):
            self._send("ledger.events", None, event_id, given, body, only=("store",))

    def close(self) -> None:
        """Let go of the broker."""
        self._producer.close()

    def _send(
        self,
        topic: str,
        partition: int | None,
        event_id: str | None,
        given: list[tuple[str, bytes]],
        body: bytes,
        only: tuple[str, ...] | None = None,
    ) -> None:
        sent = self._producer.send(
            topic, value=body, key=DISTRICT.encode(), headers=given, partition=partition
        ).get(timeout=20)
        letter = event_id or f"{self._logs[topic]}:{sent.partition}:{sent.offset}"
        teller = topic.partition(".")[0]
        for hearer in only or [name for name, heard in HEARS.items() if teller in heard]:
            self.letters[hearer].add(f"{hearer}:{letter}")


def delay_s(
    customer: Customer, poisoner: Poisoner, name: str, *, calm_s: float, limit_s: float
) -> float:
    """Return how much longer than calm an order takes beside this poison; the least of some tries.

    What else the machine is at delays one order or another; poison that stalls does so every time.
    """
    least = float("inf")
    for again in range(TRIES):
        poisoner.send(name, again)
        least = min(least, customer.served_within(WITHIN_S) - calm_s)
        if least < limit_s:
            break
    return least


def test_neighbours_of_poison_hardly_wait(
    mongo: MongoServer, empty_kafka: KafkaServer, tmp_path: Path
) -> None:
    with opened(mongo, empty_kafka, tmp_path) as (house, town):
        customer = Customer(town)
        customer.served_within(WITHIN_S)  # the first takes longer: nothing is open or known yet
        calm = [customer.served_within(WITHIN_S) for _ in range(CALM_ORDERS)]
        calm_s = statistics.median(calm)
        # On a machine that has other things to do, calm orders take longer, and differ too.
        slower = min(max(calm_s / CALM_S, 1.0), SLOWER_MAX)
        limit_s = slower * DELAYED_MAX_S + max(calm) - calm_s
        with closing(Poisoner(house.settings("store", "poisoner"))) as poisoner:
            delays = {
                name: delay_s(customer, poisoner, name, calm_s=calm_s, limit_s=limit_s)
                for name in POISONS
            }

        letters = sorted(letter for found in poisoner.letters.values() for letter in found)
        report = audit(
            house.mongo.uri,
            empty_kafka.bootstrap,
            database_prefix=house.prefix,
            told=town.told.answers,
            strict=False,
            expected_dead_letters=letters,
        )
    said = ", ".join(f"{name} {delay:+.2f}" for name, delay in delays.items())
    print(
        f"\n{len(letters)} dead letters; an order took {calm_s:.2f} s (median), among poison "
        f"that and at most {limit_s:.2f} s: {said}"
    )
    assert report.holds, [one for one in report.invariants if not one.holds]
    assert {name: delay for name, delay in delays.items() if delay >= limit_s} == {}
