"""People at work on a system, and what must hold when they have gone home."""

from __future__ import annotations

import os
import random

from deploy.audit import audit
from deploy.embedded.system import System
from tests.faults.load import Load
from tests.faults.system import ADMIN_PHONE


def seed_of_this_run() -> str:
    """Return the seed that the environment asks for, or a new one; printed, so that it replays."""
    seed = os.environ.get("GONGXIANG_SEED", str(random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}: GONGXIANG_SEED={seed} replays it")
    return seed


def load_on(system: System, seed: str) -> Load:
    """Return people at work on a system."""
    load = Load(
        system.urls,
        system.clock_offset_file,
        system.mongo_uri,
        admin_phone=ADMIN_PHONE,
        seed=seed,
    )
    load.go()
    return load


def holds(system: System, load: Load) -> None:
    """Let everybody finish; audit the databases, and hold the history against them."""
    load.send_home()
    report = audit(system.mongo_uri, system.kafka_bootstrap, told=load.history.told())
    verdict = load.verdict()
    print(
        f"{verdict.acknowledged} acknowledged, {verdict.refused} refused, "
        f"{verdict.unknown} unknown ({verdict.unknown_done} were done), {verdict.reads} reads"
    )
    assert report.holds, [invariant for invariant in report.invariants if not invariant.holds]
    assert verdict.holds, verdict.findings()
