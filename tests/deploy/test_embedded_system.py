"""Supervisor keeps the embedded servers up, and a second start finds everything there."""

from __future__ import annotations

import time
from typing import Any

import pytest
from pymongo import MongoClient

from deploy.embedded.system import AlreadyRunning, System

pytestmark = pytest.mark.servers


def test_killed_servers_come_back_and_a_second_start_finds_everything(tmp_path):
    system = System(tmp_path)
    system.start_servers()
    try:
        with pytest.raises(AlreadyRunning):
            System(tmp_path).start_servers()
        with MongoClient[dict[str, Any]](system.mongo_uri) as client:
            client.kept.things.insert_one({"_id": 1})
        killed = system.processes()
        for name in ("mongo", "kafka"):
            system.kill(name)
        system.mongo.wait_ready()
        system.kafka.wait_ready()
        assert set(killed.values()).isdisjoint(system.processes().values())
    finally:
        began = time.monotonic()
        system.stop()
    assert time.monotonic() - began < 10
    assert not system.running

    again = System(tmp_path)
    again.start_servers()
    try:
        assert (again.mongo_uri, again.urls) == (system.mongo_uri, system.urls)
        with MongoClient[dict[str, Any]](again.mongo_uri) as client:
            assert client.kept.things.find_one() == {"_id": 1}
    finally:
        again.stop()


def test_a_service_is_given_its_own_secrets_only(tmp_path):
    system = System(tmp_path)

    given = {
        name: sorted(key for key in system.environment(name) if key.endswith("_FILE"))
        for name in ("volunteers", "activities", "ledger", "store")
    }

    offset = "GONGXIANG_CLOCK_OFFSET_FILE"
    assert given["ledger"] == [offset]
    assert given["store"] == [offset, "GONGXIANG_VOUCHER_KEYS_FILE"]
    assert given["activities"] == ["GONGXIANG_CHECK_IN_KEYS_FILE", offset]
    assert not set(given["volunteers"]) & {"GONGXIANG_VOUCHER_KEYS_FILE"}
