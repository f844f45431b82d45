"""The database's disk is full: nothing is acknowledged that is not kept, and it goes on by itself.

It mounts a small file system of its own, which wants root; without the right, and in CI, it is
passed over.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.embedded.system import System
from shared import clock, ids
from tests.faults.audited import holds
from tests.faults.crowd import Crowd
from tests.faults.customer import Customer
from tests.faults.system import ADMIN_PHONE, started
from tests.journeys.town import Town

pytestmark = [pytest.mark.servers, pytest.mark.timeout(400)]

DISK_MIB = 160
FULL_FOR_S = 10.0
LEFT_BYTES = 256 * 1024
GOES_ON_WITHIN_S = 60.0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A system's data directory whose database lies on a small disk of its own."""
    if os.environ.get("CI"):
        pytest.skip("never in CI: mounts a file system")
    disk = tmp_path / "mongo"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(disk)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no right to mount a tmpfs: {mounted.stderr.strip()}")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def system(small_disk: Path) -> Iterator[System]:
    """A system on it."""
    system = started(small_disk)
    yield system
    system.stop()


def filled(disk: Path, uri: str) -> Path:
    """Fill the disk: with a file, and what the database had set aside for its log with rubbish."""
    fill = disk / "fill"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    fill.write_bytes(bytes(free - LEFT_BYTES))
    rubbish = os.urandom(1_000_000)
    with (
        MongoClient[Any](uri, serverSelectionTimeoutMS=2_000, socketTimeoutMS=5_000) as client,
        suppress(PyMongoError),
    ):
        for _ in range(DISK_MIB):
            client.rubbish.rubbish.insert_one({"rubbish": rubbish})
        pytest.fail("the database took all of it")
    return fill


def test_a_full_disk_refuses_and_an_emptied_one_goes_on(system: System) -> None:
    town = Town(system.urls, system.clock_offset_file, admin_phone=ADMIN_PHONE)
    customer = Customer(town)
    with Crowd(town, seed=1) as crowd:
        crowd.earn()
        crowd.go()
        clock.sleep(2)
        fill = filled(system.mongo.directory, system.mongo_uri)
        until = clock.monotonic() + FULL_FOR_S
        answers = []
        try:
            while clock.monotonic() < until:
                headers = {
                    "Authorization": f"Bearer {customer.person.access}",
                    "Idempotency-Key": ids.new_id(),
                }
                url = f"{system.urls['store']}/v1/orders"
                order = {"item_id": customer.item, "pieces": 1}
                answers.append(requests.post(url, json=order, headers=headers, timeout=20))
        finally:
            fill.unlink()
        took = customer.served_within(GOES_ON_WITHIN_S)
        crowd.send_home()
    crowd.all_kept()
    said = {(answer.status_code, answer.headers.get("Retry-After")) for answer in answers}
    print(f"\n{len(answers)} asked while full: {said}; an order confirmed {took:.1f} s after")
    assert said == {(503, "1")}
    holds(system, town.told.answers)
