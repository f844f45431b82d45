"""The way of one fact, in the order of ``docs/journey.md``, and all that may happen to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest

from deploy.audit import Report, audit
from services.ledger.settings import LedgerSettings
from services.ledger.worker import create_worker
from shared import clock, events
from shared.events import topic_of
from shared.events.activities import ServiceConfirmed
from shared.kafka import Outgoing, Producer, read_all
from shared.relay import outgoing
from shared.settings import load
from shared.worker import Heard, Worker, read
from tests.journeys.house import House, Tamper, shuffled, twice
from tests.journeys.town import EARLY, Refused, Token, Town
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(180)]


def audited(house: House, *towns: Town, but_for: str = "") -> Report:
    """Return the audit of a house whose invariants hold, but for one; its findings otherwise."""
    report = audit(
        house.mongo.uri,
        house.broker.bootstrap,
        database_prefix=house.prefix,
        strict=False,
        told=[answer for town in towns for answer in town.told.answers],
    )
    broken = [one for one in report.invariants if not one.holds and one.name != but_for]
    assert not broken, broken
    return report


def a_day(town: Town) -> None:
    """Serve, earn, redeem, cancel, run out of points."""
    person = town.volunteer()
    shop = town.shop()
    item = town.item(shop, price=100, pieces=5)

    record = town.earned(person, hours=2)
    assert (record["minutes"], town.balance(person)["available"]) == (120, 200)

    order = town.redeemed(person, shop, item)
    assert order["amount"] == 100
    assert town.balance(person)["available"] == 100

    second = town.order(person, item)
    town.order_in(person, second["order_id"], "CONFIRMED")
    assert town.balance(person)["held"] == 100
    town.cancel(person, second["order_id"])
    town.order_in(person, second["order_id"], "CANCELLED")
    assert (town.balance(person)["available"], town.balance(person)["held"]) == (100, 0)

    too_dear = town.item(shop, price=500)
    third = town.order(person, too_dear)
    refused = town.order_in(person, third["order_id"], "REFUSED")
    assert refused["refused_reason"] == "insufficient-points"
    assert [town.balance(person)[bucket] for bucket in ("available", "held")] == [100, 0]


def test_from_a_check_out_to_goods_in_hand(house: House, town: Town) -> None:
    a_day(town)
    audited(house, town)


@pytest.mark.parametrize("tamper", [twice], ids=["twice"])
def test_with_every_message_delivered_twice(house: House, town: Town, tamper: Tamper) -> None:
    a_day(town)
    audited(house, town)


@pytest.mark.parametrize("tamper", [shuffled(7)], ids=["shuffled"])
def test_with_messages_of_different_districts_reordered(
    house: House, settle: Callable[..., Town], tamper: Tamper
) -> None:
    towns = [settle(district) for district in ("430211", "120112")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_spend, [(town, _earner(town)) for town in towns]))
    audited(house, *towns)


def _earner(town: Town) -> Token:
    """Let someone earn; the towns share one clock, so one after the other."""
    person = town.volunteer()
    town.earned(person)
    return person


def _spend(who: tuple[Town, Token]) -> None:
    town, person = who
    shop = town.shop()
    item = town.item(shop, price=50)
    for _ in range(3):
        town.redeemed(person, shop, item)
    assert town.balance(person)["available"] == 50


def test_a_correction_before_between_and_after(house: House, town: Town) -> None:
    person, shop = town.volunteer(), town.shop()
    item = town.item(shop, price=100)
    sign_up = town.served(person, hours=3)
    house.stop_worker("ledger")  # before: version 1 and 2 reach the ledger together
    record = town.services.activities.post(
        f"/sign-ups/{sign_up}/service-records", {}, by=town.organiser
    )
    town.services.activities.post(
        f"/service-records/{record['record_id']}/corrections",
        {"minutes": 120, "reason": "提前离开"},
        by=town.organiser,
    )
    house.start_worker("ledger")
    assert town.banked(record["record_id"])["version"] == 2
    assert town.balance(person)["available"] == 200

    order = town.order(person, item)  # between: while a hold stands
    town.order_in(person, order["order_id"], "CONFIRMED")
    town.correct(record["record_id"], minutes=60)
    town.banked(record["record_id"])
    assert (town.balance(person)["available"], town.balance(person)["held"]) == (0, 100)

    town.use(shop, town.voucher(person, order["order_id"]))
    town.order_in(person, order["order_id"], "CAPTURED")
    town.correct(record["record_id"], minutes=0)  # after: what is spent becomes a debt
    town.banked(record["record_id"])
    assert (town.balance(person)["available"], town.balance(person)["debt"]) == (0, -100)

    town.earned(person, hours=2)  # what comes in repays it first
    assert (town.balance(person)["available"], town.balance(person)["debt"]) == (100, 0)
    audited(house, town)


def test_versions_that_come_out_of_order(house: House, town: Town) -> None:
    person = town.volunteer()
    sign_up = town.served(person, hours=2)
    house.stop_worker("activities")
    record = town.services.activities.post(
        f"/sign-ups/{sign_up}/service-records", {}, by=town.organiser
    )["record_id"]
    for minutes in (90, 60, 119):
        town.services.activities.post(
            f"/service-records/{record}/corrections",
            {"minutes": minutes, "reason": "更正 corrected"},
            by=town.organiser,
        )
    told = _outbox(house, record)
    producer = Producer(house.settings("activities", "out-of-order"))
    assert all(producer.send([told[3], told[1]]))
    assert all(producer.send([told[0], told[2], told[3]]))
    producer.close()
    house.start_worker("activities")

    assert town.banked(record)["version"] == 4
    assert town.balance(person)["available"] == 150
    # The order in the topic is what this test has broken itself.
    audited(house, town, but_for="told-and-copied")


def _outbox(house: House, aggregate: str) -> list[Outgoing]:
    worker = house.workers["ledger-worker-0"]
    rows = worker.database.client[f"{house.prefix}activities"].outbox.find({"aggregate": aggregate})
    return [outgoing(row) for row in sorted(rows, key=lambda row: row["version"])]


def test_two_ledger_writers_on_one_district(house: House, town: Town) -> None:
    people = [town.volunteer() for _ in range(6)]
    records = _confirmed_while_the_ledger_is_away(house, town, people)

    # The second is no member of the group: a zombie that still hears everything.
    second = create_worker(load(LedgerSettings, house.environment("ledger-worker-7")))
    with ThreadPoolExecutor(1) as zombie:
        over = zombie.submit(_all_again, house, second, topic_of("activities"))
        house.start_worker("ledger")
        for record in records:
            town.banked(record)
        assert over.result() >= len(records)
    second.database.close()

    assert [town.balance(person)["available"] for person in people] == [200] * 6
    audited(house, town)


def _confirmed_while_the_ledger_is_away(
    house: House, town: Town, people: Sequence[Token]
) -> list[str]:
    shift = town.shift(places=len(people))
    sign_ups = [(person, town.sign_up(person, shift)) for person in people]
    shown = town.services.activities.get(f"/shifts/{shift}")
    town.wait_until(datetime.fromisoformat(shown["starts_at"]) - EARLY)
    for person, sign_up in sign_ups:
        town.scan(person, sign_up, shift, "check-ins")
    town.wait_until(datetime.fromisoformat(shown["ends_at"]))
    for person, sign_up in sign_ups:
        town.scan(person, sign_up, shift, "check-outs")
    house.stop_worker("ledger")
    return [
        str(
            town.services.activities.post(
                f"/sign-ups/{sign_up}/service-records", {}, by=town.organiser
            )["record_id"]
        )
        for _, sign_up in sign_ups
    ]


def _all_again(house: House, worker: Worker, topic: str) -> int:
    """Give another writer all that a topic brings for some seconds, one by one; say how much."""
    settings = house.settings("ledger", "reader")
    heard: dict[str, Heard] = {}
    deadline = clock.monotonic() + 8
    while clock.monotonic() < deadline:
        for message in read_all(settings, [topic], 20):
            found = read(message, "log")
            if isinstance(found, Heard) and worker.hearer.wants(type(found.event)):
                heard[found.id] = found
                worker.hearer.handle([found], clock.now())
    return len(heard)


def test_a_book_that_is_not_open_is_a_dead_letter_until_it_is(
    house: House, town: Town, settle: Callable[..., Town]
) -> None:
    producer = Producer(house.settings("activities", "stray"))
    stray = ServiceConfirmed(
        record_id="stray",
        version=1,
        district="120112",
        region="120112001",
        activity_id="a",
        shift_id="s",
        volunteer_id="nobody",
        kind="credit",
        minutes=60,
        served_at=clock.now(),
        at=clock.now(),
    )
    message = Outgoing(
        topic="activities.events",
        key="120112",
        id="stray:1",
        type="ServiceConfirmed",
        source="activities",
        subject="stray",
        at=clock.now().isoformat(),
        correlation="",
        body=json.dumps(events.encode(stray)),
    )
    assert producer.send([message]) == [True]

    person = town.volunteer()
    town.earned(person)  # the neighbour is not disturbed
    ledger = house.workers["ledger-worker-0"].database.db
    letters = list(ledger.dead_letters.find({"state": "open"}))
    assert [letter["_id"] for letter in letters] == ["stray:1"]

    settle("120112")  # the repair: now the book is open
    assert producer.send([message]) == [True]
    producer.close()
    wait_until(lambda: ledger.journal.find_one({"_id": "earn:stray:1"}))
    wait_until(lambda: ledger.dead_letters.find_one({"_id": "stray:1", "state": "settled"}))


def test_the_same_key_is_the_same_wish(house: House, town: Town) -> None:
    person, shop = town.volunteer(), town.shop()
    town.earned(person)
    item = town.item(shop)
    first = town.order(person, item, key="wish-1")
    assert town.order(person, item, key="wish-1")["order_id"] == first["order_id"]
    with pytest.raises(Refused, match="422"):
        town.order(person, item, pieces=2, key="wish-1")
    audited(house, town)
