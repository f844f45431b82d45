"""Workers stopped and woken after their partitions moved; everything restarted in good order."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient

from deploy.embedded.system import SERVICES, System
from shared import clock
from shared.kafka import group_prefix
from tests.faults.killing import Killer
from tests.faults.load import Load
from tests.faults.system import started
from tests.faults.under_load import holds, load_on, seed_of_this_run

pytestmark = [pytest.mark.servers, pytest.mark.timeout(420)]

MOVED_WITHIN_S = 20.0
BACK_WITHIN_S = 30.0
RETRIABLE = (429, 503)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system with two workers of every service."""
    system = started(tmp_path_factory.mktemp("two-workers"), workers_per_service=2)
    yield system
    system.stop()


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


def wait_for(what: str, done: object, seconds: float) -> None:
    """Return once ``done()`` is true."""
    deadline = clock.monotonic() + seconds
    while not done():  # type: ignore[operator]
        assert clock.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        clock.sleep(0.2)


def test_a_stopped_worker_of_each_service_is_woken_after_its_partitions_moved(
    system: System,
) -> None:
    load = load_on(system, seed_of_this_run())
    names = [f"{service}-worker-0" for service in SERVICES]
    pids = {name: system.processes()[name] for name in names}
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    for service in SERVICES:
        wait_for(
            f"{service}: partitions move",
            lambda service=service: set(members(system, service)) == {f"{service}-worker-1"},
            MOVED_WITHIN_S,
        )
    clock.sleep(1.0)
    for pid in pids.values():
        os.kill(pid, signal.SIGCONT)
    for service in SERVICES:
        wait_for(
            f"{service}: both are members, each with its share",
            lambda service=service: (
                len(shares := members(system, service)) == 2 and all(shares.values())
            ),
            BACK_WITHIN_S,
        )
    holds(system, load)


def test_all_is_restarted_one_after_the_other_under_load(system: System) -> None:
    load: Load = load_on(system, seed_of_this_run())
    killer = Killer(system, random.Random(0))
    for name in sorted(system.processes()):
        system.restart(name)
        wait_for(f"{name} is ready", lambda name=name: killer.ready(name), BACK_WITHIN_S)
    holds(system, load)
    answers = {entry.status for entry in load.history.entries if entry.outcome == "unknown"}
    assert answers <= {None, *RETRIABLE, 202}, answers
