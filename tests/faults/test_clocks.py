"""Clocks of single processes are wrong: by four minutes nobody notices, by ten the ledger waits."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import pytest
from pymongo import MongoClient

from deploy.audit import audit
from deploy.embedded.system import System
from shared import clock
from tests.faults.customer import Customer
from tests.faults.system import NOT_IN_CI, halted
from tests.journeys.town import Town
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300), NOT_IN_CI]

READY_WITHIN_S = 90.0
STOPPED_FOR_S = 4.0
"""Longer than a partition waits before it is looked at again."""
GOES_ON_WITHIN_S = 60.0
SEEN_WITHIN_S = 30.0
NEARLY_S = 10.0

WRONG = {
    "volunteers-web": -1,
    "activities-web": 1,
    # The store gives an order up that was unanswered for ten minutes, by these two clocks.
    "store-web": 1,
    "ledger-web": 1,
    "volunteers-worker-0": 1,
    "activities-worker-0": -1,
    "store-worker-0": -1,
}


@contextmanager
def wrong_clocks(system: System, minutes: Mapping[str, float]) -> Iterator[None]:
    """Run these programs with clocks that are wrong by so many minutes, instead of the right."""
    with ExitStack() as stack:
        stack.enter_context(halted(system, *minutes))
        for name, error in minutes.items():
            stack.enter_context(running(system, name, error * 60))
        for name in minutes:
            wait_until(partial(system.ready, name), READY_WITHIN_S, what=f"{name} is ready")
        yield


@contextmanager
def running(system: System, name: str, error_s: float) -> Iterator[None]:
    program = system.program(name)
    own = {**os.environ, **program.environment, "GONGXIANG_CLOCK_ERROR_S": str(error_s)}
    with (system.data_dir / "logs" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            program.command, cwd=program.directory, env=own, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def ledger(system: System) -> Iterator[Any]:
    """The ledger's database, past the services."""
    with MongoClient[Any](system.mongo_uri, tz_aware=True) as client:
        yield client["gongxiang_ledger"]


def said_apart_s(ledger: Any) -> float:
    """Return how far apart the writer's clock is, as its alarm says; 0 without one."""
    alarm = ledger.alarms.find_one({"_id": "clock-apart:ledger-worker-0"})
    return float(alarm["detail"].removesuffix(" s")) if alarm else 0.0


def says_apart(ledger: Any, error_s: float) -> bool:
    """Whether the alarm says about so much."""
    return abs(said_apart_s(ledger) - error_s) <= NEARLY_S


def test_four_minutes_are_borne_by_all_and_ten_by_all_but_the_ledgers_writer(
    system: System, town: Town, ledger: Any
) -> None:
    all_of_them = {**WRONG, "ledger-worker-0": -1}
    with wrong_clocks(system, {name: 4 * sign for name, sign in all_of_them.items()}):
        customer = Customer(town)
        customer.served_within(GOES_ON_WITHIN_S)
    assert ledger.alarms.find_one({}) is None

    with wrong_clocks(system, {name: 10 * sign for name, sign in WRONG.items()}):
        customer.served_within(GOES_ON_WITHIN_S)
        for minutes in (10, -10):
            with wrong_clocks(system, {"ledger-worker-0": minutes}):
                posted = ledger.journal.count_documents({})
                order = customer.orders()
                town.volunteer("不受影响")
                wait_until(
                    partial(says_apart, ledger, minutes * 60),
                    SEEN_WITHIN_S,
                    what=f"an alarm says {minutes} minutes",
                )
                clock.sleep(STOPPED_FOR_S)
                assert town.order_as_it_is(customer.person, order)["state"] == "PLACED"
                assert ledger.journal.count_documents({}) == posted
            customer.served_within(GOES_ON_WITHIN_S, order)

    report = audit(
        system.mongo_uri,
        system.kafka_bootstrap,
        database_prefix="gongxiang_",
        told=town.told.answers,
        strict=False,
        expected_alarms=["ledger:clock-apart:ledger-worker-0"],
    )
    assert report.holds, [one for one in report.invariants if not one.holds]
