"""Kills without end: a system under load, harmed again and again, and looked at in between.

A run is cut into stretches of 50 kills, each ending with the audit and a look at the history; the
seed of a run and a stretch's number decide what is harmed and when. What is interrupted begins at
its last stretch again, on a new system. A system is replaced after four stretches, so that neither
the databases nor the audits grow, and after every finding, when its data is kept.
"""

from __future__ import annotations

import random
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.audit import audit
from deploy.embedded.servers import ServerDidNotStart
from deploy.embedded.system import SERVICES, System, SystemNotReady
from shared import clock
from shared.settings import Settings
from tests.faults.killing import Killer, NotRecovered
from tests.faults.load import Load
from tests.faults.report import Stretch, load_state, report_of, save_report, save_state
from tests.faults.system import ADMIN_PHONE, started

STRETCH_KILLS = 50
STRETCHES_A_SYSTEM = 4
BETWEEN_S = (0.4, 2.6)
MEASURED_EVERY = 10
STOPPED_AT = 4
WORKERS = 2

Shown = Callable[[Stretch], None]


class Campaign:
    """One run of many kills, kept under ``data_dir/<seed>``."""

    def __init__(self, data_dir: Path, *, seed: str, kills: int) -> None:
        self._data_dir, self._seed, self._kills = data_dir, seed, kills
        self._home = data_dir / seed
        self._home.mkdir(parents=True, exist_ok=True)
        self.stretches = load_state(self._home / "state.json")
        self._system: System | None = None
        self._load: Load | None = None
        self._before = Stretch(0, "")

    @property
    def killed(self) -> int:
        """How many were killed in the stretches that have ended."""
        return sum(stretch.kills for stretch in self.stretches)

    def run(self, shown: Shown) -> bool:
        """Kill until all are killed; ``shown`` is called after every kill. False with findings."""
        try:
            while self.killed < self._kills:
                number = len(self.stretches)
                if self._load is None or number % STRETCHES_A_SYSTEM == 0:
                    self._begin_system(number)
                stretch = Stretch(number, f"{self._seed}:{number}")
                self._stretch(stretch, min(STRETCH_KILLS, self._kills - self.killed), shown)
                self.stretches.append(stretch)
                self.keep()
                if stretch.findings:
                    self._keep_evidence(number)
                if not stretch.kills:
                    break
        finally:
            self._end_system()
        self.keep()
        return not any(stretch.findings for stretch in self.stretches)

    def keep(self) -> None:
        """Write state and report."""
        save_state(self._home / "state.json", self.stretches)
        report = report_of(self.stretches, kills_wanted=self._kills)
        save_report(self._data_dir / "report.json", report)

    def _stretch(self, stretch: Stretch, kills: int, shown: Shown) -> None:
        assert self._system is not None
        assert self._load is not None
        began = clock.monotonic()
        dice = random.Random(stretch.seed)
        killer = Killer(self._system, dice)
        self._load.resume()
        try:
            for number in range(1, kills + 1):
                killer.rest(dice.uniform(*BETWEEN_S))
                if number % MEASURED_EVERY == STOPPED_AT:
                    killer.stop_one()
                measured = number % MEASURED_EVERY == 0 or number == kills
                if measured:
                    killer.wake(all_of_them=True)
                killed = killer.kill_one()
                stretch.kills, stretch.faults = number, dict(killer.faults)
                if measured:
                    stretch.recovery_s.append(round(killer.recovery(killed), 2))
                self._load.raise_errors()
                shown(stretch)
        except Exception as error:  # noqa: BLE001 - whatever ends a stretch is a finding to look at
            stretch.findings["harness" if not isinstance(error, NotRecovered) else "recovery"] = [
                f"after kill {stretch.kills}: {type(error).__name__}: {error}"
            ]
        finally:
            killer.wake(all_of_them=True)
        self._look(stretch)
        stretch.seconds = round(clock.monotonic() - began, 1)

    def _look(self, stretch: Stretch) -> None:
        """Audit the databases, and hold the history against them."""
        assert self._system is not None
        assert self._load is not None
        try:
            Killer(self._system, random.Random(0)).wait_ready()
            self._load.pause()
            if self._load.errors:
                stretch.findings["load"] = [
                    f"{type(error).__name__}: {error}" for error in self._load.errors
                ]
            began = clock.monotonic()
            report = audit(
                self._system.mongo_uri,
                self._system.kafka_bootstrap,
                told=self._load.history.told(),
            )
            stretch.audit_s = round(clock.monotonic() - began, 1)
            stretch.looked_at = {one.name: one.checked for one in report.invariants}
            found = [
                f"{one.name}: {text}"
                for one in report.invariants
                if not one.holds
                for text in one.findings or ["it looked at nothing"]
            ]
            began = clock.monotonic()
            verdict = self._load.verdict()
            stretch.check_s = round(clock.monotonic() - began, 1)
            stretch.alarms = _alarms(self._system.mongo_uri)
        except Exception as error:  # noqa: BLE001 - a look that fails is a finding, not the run's end
            stretch.findings["look"] = [f"{type(error).__name__}: {error}"]
            return
        if found:
            stretch.findings["audit"] = found
        stretch.findings |= verdict.findings()
        # A history goes on from stretch to stretch of one system: each counts what it added.
        now = Stretch(
            0,
            "",
            acknowledged=verdict.acknowledged,
            refused=verdict.refused,
            unknown=verdict.unknown,
            reads=verdict.reads,
        )
        for name in ("acknowledged", "refused", "unknown", "reads"):
            setattr(stretch, name, getattr(now, name) - getattr(self._before, name))
        self._before = now

    def _begin_system(self, number: int) -> None:
        self._end_system()
        place = self._home / "system"
        left = System(place)
        if left.running:  # by a run that was interrupted
            left.stop()
        for last in (False, False, True):  # the machine may be busy with something else
            shutil.rmtree(place, ignore_errors=True)
            try:
                self._system = started(place, workers_per_service=WORKERS)
                break
            except (ServerDidNotStart, SystemNotReady):
                if last:
                    raise
        assert self._system is not None
        self._before = Stretch(0, "")
        self._load = Load(
            self._system.urls,
            self._system.clock_offset_file,
            self._system.mongo_uri,
            admin_phone=ADMIN_PHONE,
            seed=f"{self._seed}:{number}",
        )
        self._load.go()

    def _end_system(self) -> None:
        load, self._load = self._load, None
        system, self._system = self._system, None
        if load is not None:
            load.leave()
        if system is not None:
            system.stop()

    def _keep_evidence(self, number: int) -> None:
        """Keep what the databases, the logs and the clients say, and go on with a new system."""
        assert self._load is not None
        evidence = self._home / f"finding-{number}"
        shutil.rmtree(evidence, ignore_errors=True)
        history = self._load.history
        self._end_system()
        shutil.copytree(self._home / "system", evidence)
        history.write(evidence / "history.jsonl")


def kinds_of(faults: dict[str, int]) -> Counter[str]:
    """Return the faults by what was harmed: web, web child, worker, mongo, kafka."""
    kinds: Counter[str] = Counter()
    for name, times in faults.items():
        kinds[re.sub(rf"({'|'.join(SERVICES)})-|-\d+$", "", name)] += times
    return kinds


def _alarms(mongo_uri: str) -> int:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        return sum(
            client[Settings.database_prefix + service]["alarms"].count_documents({})
            for service in SERVICES
        )
