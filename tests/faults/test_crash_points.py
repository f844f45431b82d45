"""A crash just before and just after every durable effect: all happens once all the same."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock
from shared.kafka import Message, Place
from shared.relay import OutboxRelay, outgoing
from shared.worker.hearing import Hearing
from tests.faults.crash_points.effects import Effect
from tests.faults.crash_points.lives import Life
from tests.faults.crash_points.plan import Plan
from tests.faults.crash_points.run import (
    MAY_NOT_COME_AGAIN,
    every_point,
    kind_of,
    missing_kinds,
    one_of_each_kind,
    running,
)

pytestmark = [pytest.mark.servers, pytest.mark.timeout(420)]

SECONDS_MAX = 240.0
DAYS_MAX = 6


def test_whatever_crashes_before_and_after_its_effects_all_happens_once(
    mongo: MongoServer, kafka: KafkaServer, tmp_path: Path
) -> None:
    seed = int(os.environ.get("GONGXIANG_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}: GONGXIANG_SEED={seed} replays it")
    with running(mongo, kafka, tmp_path) as run:
        run.begin()
        run.live_a_day()
        listed = dict(run.plan.listed)
        assert run.findings() == []
    assert missing_kinds(listed) == []

    # One of each kind fits into the suite's time; the seed says which. `make crashes` meets all.
    dice = random.Random(seed)
    plan, wanted = Plan(), one_of_each_kind(listed, dice)
    unmet = set(wanted)
    plan.meet(wanted.values())
    deadline = clock.monotonic() + SECONDS_MAX
    with running(mongo, kafka, tmp_path, plan) as run:
        run.begin()
        while unmet and run.days < DAYS_MAX and clock.monotonic() < deadline:
            run.live_a_day()
            unmet = set(wanted) - {kind_of(point) for point in plan.met}
            # What hangs on timing may not have come by: any other of its kind does as well.
            plan.meet(point for point in every_point(listed) if kind_of(point) in unmet)
        crashes = run.house.crashes
        met = len(wanted) - len(unmet)
        print(f"{len(listed)} effects; {met} of {len(wanted)} kinds met by {crashes} crashes")
        print(f"{run.days} days; not met: {sorted(unmet)}")
        assert run.findings() == []
    assert sorted(one for one in unmet if one[2] not in MAY_NOT_COME_AGAIN) == []
    assert crashes >= len({(point.effect.service, point.effect.part) for point in plan.met})


def test_a_list_without_a_kind_is_noticed() -> None:
    effect = Effect("store", "worker", "send", "OrderPlaced", "-")
    assert "store worker send" not in missing_kinds([effect])
    assert {"store worker mark", "ledger worker journal"} <= set(missing_kinds([effect]))


class Once(Plan):
    """Crashes a service's worker once, just before the first effect of a kind."""

    def __init__(self, service: str, kind: str, what: str) -> None:
        super().__init__()
        self.crashed = threading.Event()
        self._wanted = (service, "worker", kind, what)

    def before(self, life: Life, about: Sequence[Effect]) -> None:
        """Crash at the first one that is meant."""
        found = {(one.service, one.part, one.kind, one.what) for one in about}
        if self._wanted in found and not self.crashed.is_set():
            self.crashed.set()
            life.crash()


def marks_before_it_sends(patch: pytest.MonkeyPatch) -> Plan:
    """The seeded bug: a row is marked as sent before the broker has it."""

    def send_page(relay: OutboxRelay, producer: Any, log_id: str, page: Any) -> int:
        relay._mark(page, log_id)
        return sum(producer.send([outgoing(row) for row in page]))

    patch.setattr(OutboxRelay, "_send_page", send_page)
    return Once("volunteers", "send", "VolunteerRegistered")


def commits_offsets_before_it_handles(patch: pytest.MonkeyPatch) -> Plan:
    """The seeded bug: the offset is committed before the effect is."""
    handle = Hearing._chunk

    def chunk(hearing: Hearing, place: Place, messages: Sequence[Message]) -> bool:
        hearing._look_at_what_was_missed()  # as before every commit
        hearing._consumer.commit({place: messages[-1]})
        return handle(hearing, place, messages)

    patch.setattr(Hearing, "_chunk", chunk)
    return Once("activities", "commit", "hearing VolunteerRegistered")


@pytest.mark.parametrize("bug", [marks_before_it_sends, commits_offsets_before_it_handles])
def test_a_crash_point_shows_the_bug(
    mongo: MongoServer,
    kafka: KafkaServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bug: Any,
) -> None:
    plan = bug(monkeypatch)
    with running(mongo, kafka, tmp_path, plan) as run:
        run.begin()
        assert plan.crashed.wait(20)
        assert any("told-and-copied" in finding for finding in run.findings())
