"""Kafka loses things while people are at it: all, a topic, or what nobody had read yet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from kafka import KafkaAdminClient
from pymongo import MongoClient

from deploy.audit import audit
from deploy.embedded.system import System
from services.volunteers import operations
from services.volunteers.settings import VolunteersSettings
from shared import clock, settings
from shared.auth import Grant, Principal, Role
from shared.mongo import ServiceDatabase, UnitOfWork
from tests.faults.audited import holds
from tests.faults.crowd import Crowd
from tests.faults.customer import Customer
from tests.faults.system import NOT_IN_CI, stopped
from tests.journeys.town import DISTRICT, Token, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(600), NOT_IN_CI]

TOLD_AGAIN = int(os.environ.get("GONGXIANG_TOLD_AGAIN", "300"))
"""Events that a new log is told again, besides the day's own: 300 in the suite, 10,000 by hand."""
GOES_ON_ON_A_NEW_LOG_WITHIN_S = 120.0
"""For any machine; the figure, 10,000 events within 60 s, is docs/reliability.md's."""
STOPPED_S = 7.0
"""Longer than the session time-out: by then the partitions of a stopped worker may move."""
A_TRANSACTION = 10


@pytest.fixture(scope="module")
def customer(town: Town) -> Customer:
    """One customer of the town."""
    return Customer(town)


@pytest.fixture
def database(system: System) -> Iterator[MongoClient[Any]]:
    """The server's databases, past the services."""
    client: MongoClient[Any] = MongoClient(system.mongo_uri, tz_aware=True)
    yield client
    client.close()


@pytest.fixture
def admin(system: System) -> Iterator[KafkaAdminClient]:
    """An operator's way to the broker."""
    client = KafkaAdminClient(bootstrap_servers=system.kafka_bootstrap)
    yield client
    client.close()


def told(system: System, administrator: Token, people: Sequence[Token], events: int) -> None:
    """Let so many events be told in the service's own way: people frozen and freed, on and on."""
    own = {"GONGXIANG_SLOT": "volunteers-fill", "GONGXIANG_METRICS_PORT": "0"}
    ours = settings.load(VolunteersSettings, {**system.environment("volunteers"), **own})
    database = ServiceDatabase.connect(ours, "volunteers")
    roles = (Grant(Role.VOLUNTEER, ""), Grant(Role.ADMIN, DISTRICT))
    who = Principal(person_id=administrator.volunteer_id, number="", roles=roles)

    def change(work: UnitOfWork, some: Sequence[Token], status: str) -> None:
        for person in some:
            operations.change_status(
                work,
                who=who,
                person_id=person.volunteer_id,
                status=status,
                reason="检查 check",
                settings=ours,
                now=clock.now(),
            )

    done = 0
    try:
        while done < events:
            status = "frozen" if done // len(people) % 2 == 0 else "active"
            for start in range(0, len(people), A_TRANSACTION):
                some = people[start : start + A_TRANSACTION]
                database.unit_of_work(partial(change, some=some, status=status))
            done += len(people)
    finally:
        database.close()


def seconds_until_drained(system: System, limit: float) -> float:
    """Return after how long nothing was left to do; fail after the limit."""
    report = audit(
        system.mongo_uri, system.kafka_bootstrap, database_prefix="gongxiang_", wait_s=limit
    )
    assert report.drained, report["nothing-left"].findings
    return report.waited_s


def test_wiped_while_workers_are_stopped_that_wake_later(
    system: System, town: Town, customer: Customer
) -> None:
    people = [town.volunteer("路人") for _ in range(2 * A_TRANSACTION)]
    told(system, town.admin, people, TOLD_AGAIN)
    with Crowd(town, seed=1) as crowd:
        crowd.earn()
        crowd.go()
        clock.sleep(1)
        with stopped(system, "ledger-worker-0", "store-worker-0"):
            system.wipe_kafka()
            began = clock.monotonic()
            clock.sleep(STOPPED_S)
        woken = clock.monotonic()
        customer.served_within(GOES_ON_ON_A_NEW_LOG_WITHIN_S)
        served_s = clock.monotonic() - woken
        crowd.send_home()
    drained_s = seconds_until_drained(system, GOES_ON_ON_A_NEW_LOG_WITHIN_S)
    all_s = clock.monotonic() - began
    crowd.all_kept()
    print(
        f"\n{TOLD_AGAIN} events to tell again: an order confirmed {served_s:.1f} s after the "
        f"stopped woke, all told and heard {all_s:.1f} s after the broker was back "
        f"(of these {STOPPED_S:.0f} s stopped, {drained_s:.1f} s of draining after the crowd)"
    )
    holds(system, town.told.answers)


def test_a_topic_deleted_and_made_again(
    system: System, town: Town, customer: Customer, admin: KafkaAdminClient
) -> None:
    with Crowd(town, seed=2) as crowd:
        crowd.earn()
        crowd.go()
        for topic in ("store.events", "ledger.events"):
            clock.sleep(1)
            admin.delete_topics([topic])
            took = customer.served_within(GOES_ON_ON_A_NEW_LOG_WITHIN_S)
            print(f"\n{topic} deleted: an order confirmed after {took:.1f} s")
        crowd.send_home()
    crowd.all_kept()
    holds(system, town.told.answers)
