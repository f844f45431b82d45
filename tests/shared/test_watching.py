"""What operators watch is said by the rows themselves, also while the broker is away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from deploy.embedded.servers import MongoServer
from shared import clock
from shared.asking import asked_since, next_ask
from shared.mongo import ServiceDatabase, raise_alarm
from shared.mongo.alarms import open_alarms, settle_alarms
from shared.relay import OutboxRelay
from shared.worker.watching import Watching
from tests.shared.conftest import settings_for

NAME = "activities"


def shown(figure: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(f"gongxiang_{figure}", {"service": NAME, **labels})


@pytest.fixture
def database(mongo: MongoServer, connect: Callable[..., ServiceDatabase]) -> ServiceDatabase:
    return connect(NAME, replace(settings_for(mongo, None), slot="watched"))


@pytest.mark.parametrize("asked", [0, 1, 5, 12])
def test_how_long_a_question_is_open_is_told_by_how_often_it_was_asked(asked: int) -> None:
    first = clock.real_now()
    ask_at = first
    for time in range(asked + 1):
        ask_at += next_ask(time)

    assert asked_since(ask_at, asked) == first


@pytest.mark.servers
def test_the_rows_say_what_waits(database: ServiceDatabase) -> None:
    now = clock.real_now()
    minute = timedelta(minutes=1)
    db = database.db
    db.outbox.insert_many(
        [
            {"_id": "a:1", "sent_to": None, "told_at": now - 3 * minute},
            {"_id": "b:1", "told_at": now - 5 * minute},
            {"_id": "c:1", "sent_to": "log", "told_at": now - 60 * minute},
        ]
    )
    db.dead_letters.insert_many([{"_id": "x", "state": "open"}, {"_id": "y", "state": "settled"}])
    db.leases.insert_one({"_id": "relay", "slot": "gone", "until": now - minute})
    db.records.insert_many(
        [
            {"_id": "r1", "state": "CONFIRMED", "ask_at": now, "asked": 0},
            {"_id": "r2", "state": "CONFIRMED", "ask_at": now, "asked": 2},
            {"_id": "r3", "state": "BANKED", "ask_at": None, "asked": 0},
        ]
    )

    watching = Watching(database, OutboxRelay(database), questions="records")
    watching.look()

    assert shown("oldest_unsent_seconds") == pytest.approx(300, abs=10)
    assert shown("dead_letters_open") == 1
    assert shown("questions_open", state="CONFIRMED") == 2
    assert shown("oldest_question_seconds") == pytest.approx(30 + 60 + 120, abs=10)
    assert shown("lease_idle_seconds", lease="relay") == pytest.approx(60, abs=10)
    assert shown("lease_idle_seconds", lease="sweep") == 0
    assert abs(shown("clock_error_seconds") or 0) < 5
    assert shown("watched_timestamp_seconds") == pytest.approx(now.timestamp(), abs=10)

    db.outbox.update_many({}, {"$set": {"sent_to": "log"}})
    db.records.update_many({}, {"$set": {"state": "BANKED", "ask_at": None}})
    watching.look()

    assert shown("oldest_unsent_seconds") == 0
    assert shown("questions_open", state="CONFIRMED") == 0
    assert shown("oldest_question_seconds") == 0


@pytest.mark.servers
def test_a_settled_alarm_is_history_until_it_is_raised_again(database: ServiceDatabase) -> None:
    watching = Watching(database, OutboxRelay(database), questions=None)
    raise_alarm(database, "odd", "o1", "seen")
    watching.look()
    assert shown("alarms_open", kind="odd") == 1

    assert settle_alarms(database, ["odd:o1", "odd:unknown"], "looked at") == 1
    watching.look()
    assert shown("alarms_open", kind="odd") == 0
    assert settle_alarms(database, ["odd:o1"], "once more") == 0

    raise_alarm(database, "odd", "o1", "seen again")
    watching.look()
    assert shown("alarms_open", kind="odd") == 1
    assert [row["count"] for row in open_alarms(database)] == [2]
