"""Every process and both servers die while people are at it; nothing acknowledged is missing."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.audit import audit
from deploy.embedded.system import SERVICES, System
from shared import clock
from tests.faults.conftest import ADMIN_PHONE, started
from tests.faults.crowd import Crowd
from tests.journeys.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(420)]

GOES_ON_WITHIN_S = 15.0
GOES_ON_ON_A_NEW_LOG_WITHIN_S = 60.0

VICTIMS = (
    *(f"{service}-web" for service in SERVICES),
    *(f"{service}-web child" for service in SERVICES),
    *(f"{service}-worker-0" for service in SERVICES),
    "mongo",
    "kafka",
)


def kill(system: System, victim: str) -> None:
    """Kill -9 a process: a server, a worker, gunicorn's master, or the child that serves."""
    name, _, child = victim.partition(" ")
    pid = system.processes().get(name)
    if pid is None:
        return
    if child:
        children = psutil.Process(pid).children()
        pid = children[0].pid if children else pid
    os.kill(pid, signal.SIGKILL)


def goes_on_within(town: Town, seconds: float) -> float:
    """Return after how long a whole redemption had gone through since now; fail after the limit."""
    began = clock.monotonic()
    person, shop = town.volunteer("路人"), town.shop()
    item = town.item(shop, price=100)
    order = town.order(person, item)["order_id"]
    town.order_in(person, order, "REFUSED", seconds=seconds)
    took = clock.monotonic() - began
    assert took <= seconds, f"{took:.1f} s until an order was answered"
    return took


def holds(system: System, told: Sequence[Mapping[str, Any]]) -> None:
    """Audit the databases themselves."""
    report = audit(
        system.mongo_uri,
        system.kafka_bootstrap,
        database_prefix="gongxiang_",
        told=told,
    )
    assert report.holds, [invariant for invariant in report.invariants if not invariant.holds]


def test_each_process_is_killed_once_and_once_more(system: System, town: Town) -> None:
    seed = int(os.environ.get("GONGXIANG_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}: GONGXIANG_SEED={seed} replays it")
    dice = random.Random(seed)
    crowd = Crowd(town, seed=seed)
    crowd.earn()
    crowd.go()
    order = list(VICTIMS)
    dice.shuffle(order)
    for victim in order:
        clock.sleep(dice.uniform(0.2, 1.5))
        kill(system, victim)
        if dice.random() < 0.3:  # again within the session time-out
            clock.sleep(dice.uniform(0.5, 3.0))
            kill(system, victim)
    system.wait_ready()
    took = goes_on_within(town, GOES_ON_WITHIN_S)
    crowd.send_home()
    crowd.all_kept()
    told = crowd.told
    print(
        f"{len(order)} victims; an order answered {took:.1f} s after the last; "
        f"{len(told.records)} services, {len(told.captured)} captured, "
        f"{len(told.cancelled)} cancelled, {len(told.refused)} refused"
    )
    assert told.captured
    assert told.cancelled
    holds(system, town.told.answers)


def test_a_transaction_left_open_by_a_kill_holds_nobody_up(system: System, town: Town) -> None:
    person = town.volunteer()
    town.earned(person, hours=8)
    shop = town.shop()
    item = town.item(shop, price=1)
    for number in range(3):
        # The web child is killed with requests on their way, so some die inside a transaction.
        crowd = Crowd(town, seed=number)
        crowd.go()
        clock.sleep(0.7)
        kill(system, "store-web child")
        began = clock.monotonic()
        town.order(person, item)
        assert clock.monotonic() - began <= GOES_ON_WITHIN_S
        crowd.send_home()
        crowd.all_kept()
    holds(system, town.told.answers)


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[System]:
    """A system with two workers of every service."""
    system = started(tmp_path, workers_per_service=2)
    yield system
    system.stop()


def test_kafka_is_wiped_with_two_workers_of_a_service_running(two_workers: System) -> None:
    system = two_workers
    town = Town(system.urls, system.clock_offset_file, admin_phone=ADMIN_PHONE)
    crowd = Crowd(town, seed=1)
    crowd.earn()
    crowd.go()
    clock.sleep(3)
    system.wipe_kafka()
    took = goes_on_within(town, GOES_ON_ON_A_NEW_LOG_WITHIN_S)
    crowd.send_home()
    crowd.all_kept()
    print(f"\nan order answered {took:.1f} s after the broker was back, empty")
    holds(system, town.told.answers)
