"""Messages twice, late, altered under the same id: nothing moves twice or otherwise."""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from pathlib import Path

import pytest

from deploy.audit import Report, audit
from deploy.audit.logs import HEARS
from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock, events
from shared.kafka import Producer
from tests.faults.conftest import opened
from tests.faults.tampering import Forger, Late
from tests.journeys.house import SERVICES, House
from tests.journeys.town import Refused, Shop, Token, Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

RELEASED_EVERY_S = 0.4
HELD_BACK = 0.4
FREED_WITHIN_S = 20.0
OTHERWISE = "was told otherwise than it was saved"
OUT_OF_ORDER = "was first told out of order"


def a_full_day(town: Town) -> tuple[Token, Shop]:
    """Let every event there is be told at least once; the person ends with 30 points and no more.

    Served three hours (300), corrected to two (200); 100 captured, 70 held, 100 given back.
    """
    person, shop = town.volunteer(), town.shop()
    record = town.earned(person, hours=3)
    town.correct(record["record_id"], minutes=120)
    town.banked(record["record_id"])
    town.set_status(person, "frozen")
    town.set_status(person, "active")
    item = town.item(shop, price=100)
    first = once_free(town, person, item)
    town.use(shop, town.voucher(person, first))
    town.order_in(person, first, "CAPTURED")
    given_up = town.order(person, item)["order_id"]
    town.order_in(person, given_up, "CONFIRMED")
    town.cancel(person, given_up)
    town.order_in(person, given_up, "CANCELLED")
    too_dear = town.order(person, town.item(shop, price=500))["order_id"]
    town.order_in(person, too_dear, "REFUSED")
    held = town.order(person, town.item(shop, price=70))["order_id"]
    town.order_in(person, held, "CONFIRMED")
    return person, shop


def once_free(town: Town, person: Token, item: str) -> str:
    """Return a confirmed order of someone just freed: store and ledger each may hear of it late."""
    deadline = clock.monotonic() + FREED_WITHIN_S
    while True:
        try:
            placed = str(town.order(person, item)["order_id"])
            order = town.order_in(person, placed, "CONFIRMED", "REFUSED")
            if order["state"] == "CONFIRMED":
                return placed
            late = order["refused_reason"] == "account-frozen"
        except Refused as refused:
            late = refused.code == "volunteer-frozen"
        assert late
        assert clock.monotonic() < deadline
        clock.sleep(0.3)


def has_what_is_due(town: Town, person: Token) -> None:
    """Check the figures of the full day."""
    balance = town.balance(person)
    assert (balance["available"], balance["held"], balance["debt"]) == (30, 70, 0)


def letters_of(house: House, service: str) -> dict[str, str]:
    """Return a service's dead letters: id and reason."""
    database = house.workers[f"{service}-worker-0"].database.db
    return {row["_id"]: row["reason"] for row in database.dead_letters.find({})}


def audited(house: House, town: Town, **expected: list[str]) -> Report:
    """Audit a house whose topics hold what nobody saved: the one invariant that must not hold."""
    report = audit(
        house.mongo.uri,
        house.kafka.bootstrap if house.kafka else "",
        database_prefix=house.prefix,
        strict=False,
        told=town.told.answers,
        expected_dead_letters=expected.get("dead_letters", []),
        expected_alarms=expected.get("alarms", []),
    )
    broken = [one for one in report.invariants if not one.holds and one.name != "told-and-copied"]
    assert not broken, broken
    return report


def test_altered_under_the_same_id_and_told_again_late_nothing_moves(
    mongo: MongoServer, empty_kafka: KafkaServer, tmp_path: Path
) -> None:
    forger = Forger()
    with opened(mongo, empty_kafka, tmp_path, forger) as (house, town):
        person, _ = a_full_day(town)
        assert {event.type for event in forger.true} == set(events.EVENTS)
        again = list(forger.true) * 2
        random.Random(1).shuffle(again)
        producer = Producer(house.settings("store", "late"))
        assert all(producer.send(again))
        producer.close()
        letters = {service: letters_of(house, service) for service in SERVICES}

        report = audited(
            house,
            town,
            dead_letters=[id_ for found in letters.values() for id_ in found],
            alarms=["posted-otherwise"],
        )
        has_what_is_due(town, person)

        letters = {service: letters_of(house, service) for service in SERVICES}
        sent = Counter(event.source for event in forger.misnamed)
        for service, found in letters.items():
            assert len(found) == sum(sent[teller] for teller in HEARS[service]), service
            assert all("names another" in reason for reason in found.values()), found
        ledger = house.workers["ledger-worker-0"].database.db
        facts = {row["about"] for row in ledger.alarms.find({"kind": "posted-otherwise"})}
        assert {fact.partition(":")[0] for fact in facts} == {"earn", "hold", "end"}
        told = report["told-and-copied"]
        assert told.wrong == len(forger.otherwise) + len(forger.misnamed)
        assert all(OTHERWISE in finding for finding in told.findings), told.findings


def test_first_heard_late_and_out_of_order_all_comes_to_the_same(
    mongo: MongoServer, empty_kafka: KafkaServer, tmp_path: Path
) -> None:
    seed = int(os.environ.get("GONGXIANG_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}: GONGXIANG_SEED={seed} replays it")
    late = Late(seed=seed, share=HELD_BACK)
    with opened(mongo, empty_kafka, tmp_path, late) as (house, town):
        over = threading.Event()
        producer = Producer(house.settings("store", "late"))

        def release() -> None:
            while not over.wait(RELEASED_EVERY_S):
                late.release(producer)
            late.release(producer)

        releasing = threading.Thread(target=release)
        releasing.start()
        try:
            person, _ = a_full_day(town)
        finally:
            over.set()
            releasing.join(30)
            producer.close()
        assert late.held_back

        report = audited(house, town)
        has_what_is_due(town, person)
        told = report["told-and-copied"]
        assert all(OUT_OF_ORDER in finding for finding in told.findings), told.findings
