"""People at work on a system, and what must hold when they have gone home."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.embedded.system import System
from tests.faults import audited
from tests.faults.load import Load
from tests.faults.system import ADMIN_PHONE


def seed_of_this_run() -> str:
    """Return the seed that the environment asks for, or a new one; printed, so that it replays."""
    seed = os.environ.get("GONGXIANG_SEED", str(random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}: GONGXIANG_SEED={seed} replays it")
    return seed


@contextmanager
def load_on(system: System, seed: str) -> Iterator[Load]:
    """Let people be at work on a system; they leave at the end, however that comes."""
    load = Load(
        system.urls,
        system.clock_offset_file,
        system.mongo_uri,
        admin_phone=ADMIN_PHONE,
        seed=seed,
    )
    try:
        load.go()
        yield load
    finally:
        load.leave()


def holds(system: System, load: Load) -> None:
    """Let everybody finish; audit the databases, and hold the history against them."""
    load.send_home()
    audited.holds(system, load.history.told())
    verdict = load.verdict()
    print(
        f"{verdict.acknowledged} acknowledged, {verdict.refused} refused, "
        f"{verdict.unknown} unknown ({verdict.unknown_done} were done), {verdict.reads} reads"
    )
    assert verdict.holds, verdict.findings()
