"""Two workers of every service, harmed under load: killed, stopped, started anew, told anew.

Beside the many kills of ``test_killed_under_load``, each harm that wants to be looked at by itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

import pytest
from kafka import KafkaAdminClient

from deploy.embedded.system import SERVICES, System
from shared import clock
from shared.kafka import group_prefix
from tests.faults.killing import Killed, Killer, work_of
from tests.faults.system import NOT_IN_CI, halted, started, stopped
from tests.faults.under_load import holds, load_on, seed_of_this_run
from tests.waiting import wait_until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(420)]

# Bounds for any machine, also one with other work to do; the figures are docs/reliability.md's.
TRANSACTIONS_ENDED_WITHIN_S = 40.0
"""Well under the minute in which the database gives up by itself what the dead had locked."""
GOES_ON_ON_A_NEW_LOG_WITHIN_S = 120.0
MOVED_WITHIN_S = 40.0
BACK_WITHIN_S = 60.0
ASK_EVERY_S = 0.2
RETRIABLE = (429, 503)


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with two workers of every service."""
    system = started(tmp_path_factory.mktemp("two-workers"), workers_per_service=2)
    yield system
    system.stop()


def test_a_transaction_left_open_by_a_kill_holds_nobody_up(two_workers: System) -> None:
    with load_on(two_workers, "open transactions") as load:
        killer = Killer(two_workers, random.Random(0))
        for _ in range(3):
            # The web child is killed with requests on their way, so some die inside a transaction.
            clock.sleep(0.7)
            killed = killer.kill("store-web child")
            assert killed is not None
            took = killer.recovery(killed)
            print(f"\nall was finished {took:.1f} s after the child was there again")
            assert took <= TRANSACTIONS_ENDED_WITHIN_S, f"{took:.1f} s until all was finished"
        holds(two_workers, load)


def test_kafka_is_wiped_with_two_workers_of_a_service_running(two_workers: System) -> None:
    with load_on(two_workers, "wiped") as load:
        clock.sleep(3)
        two_workers.wipe_kafka()
        killed = Killed("kafka", 0, clock.monotonic())
        took = Killer(two_workers, random.Random(0)).recovery(killed)
        print(f"\nall was finished {took:.1f} s after the broker was back, empty")
        assert took <= GOES_ON_ON_A_NEW_LOG_WITHIN_S
        holds(two_workers, load)


def test_work_that_does_not_end_is_seen(two_workers: System) -> None:
    with work_of(two_workers.mongo_uri) as work, load_on(two_workers, "seen") as load:
        with halted(two_workers, "store-worker-0", "store-worker-1"):
            clock.sleep(2)
            left = work.unfinished()
        holds(two_workers, load)

        # What is unsent, or waits for an answer that no worker of the store hears.
        assert any(name.startswith("order ") or name.endswith(" of store") for name in left), left
        assert not work.unfinished()


def members(system: System, service: str) -> dict[str, int]:
    """Return how many partitions each member of a service's group has."""
    admin = KafkaAdminClient(bootstrap_servers=system.kafka_bootstrap, bootstrap_timeout_ms=5_000)
    try:
        groups = [
            group["group_id"]
            for group in admin.list_groups()
            if str(group["group_id"]).startswith(group_prefix(service))
        ]
        described = admin.describe_groups(groups)
        return {
            member["group_instance_id"]: sum(
                len(topic["partitions"])
                # Empty while the group is being rearranged.
                for topic in (member["member_assignment"] or {}).get("assigned_partitions", ())
            )
            for group in described.values()
            for member in group["members"]
        }
    finally:
        admin.close()


def second_has_all(system: System, service: str) -> bool:
    """Whether a service's second worker is the only member."""
    return set(members(system, service)) == {f"{service}-worker-1"}


def both_have_some(system: System, service: str) -> bool:
    """Whether a service's workers are members both, each with a share."""
    shares = members(system, service)
    return len(shares) == 2 and all(shares.values())


def test_a_stopped_worker_of_each_service_is_woken_after_its_partitions_moved(
    two_workers: System,
) -> None:
    names = [f"{service}-worker-0" for service in SERVICES]
    with load_on(two_workers, seed_of_this_run()) as load:
        with stopped(two_workers, *names):
            for service in SERVICES:
                wait_until(
                    partial(second_has_all, two_workers, service),
                    MOVED_WITHIN_S,
                    what=f"{service}: partitions move",
                    every_s=ASK_EVERY_S,
                )
            clock.sleep(1.0)
        for service in SERVICES:
            wait_until(
                partial(both_have_some, two_workers, service),
                BACK_WITHIN_S,
                what=f"{service}: both are members, each with its share",
                every_s=ASK_EVERY_S,
            )
        holds(two_workers, load)


@NOT_IN_CI
def test_all_is_restarted_one_after_the_other_under_load(two_workers: System) -> None:
    with load_on(two_workers, seed_of_this_run()) as load:
        killer = Killer(two_workers, random.Random(0))
        for name in sorted(two_workers.processes()):
            two_workers.restart(name)
            wait_until(
                partial(killer.ready, name),
                BACK_WITHIN_S,
                what=f"{name} is ready",
                every_s=ASK_EVERY_S,
            )
        holds(two_workers, load)
        answers = {entry.status for entry in load.history.entries if entry.outcome == "unknown"}
        assert answers <= {None, *RETRIABLE, 202}, answers
