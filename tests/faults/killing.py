"""Killing, stopping and waking the processes of a system, and how long it takes to recover."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psutil
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.embedded.system import SERVICES, System
from shared import clock
from shared.settings import Settings

SERVERS = ("mongo", "kafka")
CHILD = " child"
RESTARTED_WITHIN_S = 60.0
RECOVERED_WITHIN_S = 180.0
LOOK_EVERY_S = 0.05
PAUSE_S = (0.3, 2.0)
STOP_S = (7.0, 9.0)
"""Longer than the session time-out of 6 s, so that the partitions of a stopped worker move."""


class NotRecovered(Exception):
    """What was acknowledged did not come to its end in time; the message names some of it."""


@dataclass(frozen=True)
class Killed:
    """A process that was killed, and when."""

    victim: str
    pid: int
    at: float


class Killer:
    """Does harm to the processes of one system, and counts it."""

    def __init__(self, system: System, dice: random.Random) -> None:
        self._system, self._dice = system, dice
        self._stopped: dict[int, tuple[float, float]] = {}
        self.faults: Counter[str] = Counter()

    @property
    def victims(self) -> list[str]:
        """All that can be killed: each program, and of each web also the child that serves."""
        names = sorted(self._system.processes())
        return [*names, *(name + CHILD for name in names if name.endswith("-web"))]

    def kill_one(self) -> Killed:
        """Kill -9 somebody who lives."""
        while True:
            victim = self._dice.choice(self.victims)
            killed = self.kill(victim)
            if killed is not None:
                return killed
            clock.sleep(LOOK_EVERY_S)

    def kill(self, victim: str) -> Killed | None:
        """Kill -9 a process: a server, a worker, gunicorn's master, or the child that serves."""
        pid = self.pid_of(victim)
        if pid is None:
            return None
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        self.faults[f"kill {victim}"] += 1
        return Killed(victim, pid, clock.monotonic())

    def stop(self, victim: str, seconds: float) -> None:
        """Stop a process (SIGSTOP); it is woken by the first :meth:`wake` after its time."""
        pid = self.pid_of(victim)
        if pid is None or pid in self._stopped:
            return
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            born = psutil.Process(pid).create_time()
            os.kill(pid, signal.SIGSTOP)
            self._stopped[pid] = (clock.monotonic() + seconds, born)
            self.faults[f"stop {'for long' if seconds >= STOP_S[0] else 'shortly'} {victim}"] += 1

    def stop_one(self) -> None:
        """Stop somebody: a worker for so long that its partitions move, or anybody shortly."""
        workers = [name for name in self.victims if "-worker-" in name]
        if self._dice.random() < 0.5:
            self.stop(self._dice.choice(workers), self._dice.uniform(*STOP_S))
        else:
            self.stop(self._dice.choice(self.victims), self._dice.uniform(*PAUSE_S))

    def wake(self, *, all_of_them: bool = False) -> None:
        """Wake those whose time is over."""
        for pid, (until, born) in list(self._stopped.items()):
            if not all_of_them and clock.monotonic() < until:
                continue
            del self._stopped[pid]
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if psutil.Process(pid).create_time() == born:  # not a later process of its number
                    os.kill(pid, signal.SIGCONT)

    def rest(self, seconds: float) -> None:
        """Let time go by, waking those whose time comes."""
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            self.wake()
            clock.sleep(min(left, LOOK_EVERY_S))

    def pid_of(self, victim: str) -> int | None:
        """Return the process id of a victim; None while it is not there."""
        name = victim.removesuffix(CHILD)
        pid = self._system.processes().get(name)
        if pid is None or not victim.endswith(CHILD):
            return pid
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(pid).children()
            return children[0].pid if children else None
        return None

    def recovery(self, killed: Killed) -> float:
        """Return the seconds from a process's restart until all acknowledged work was finished.

        Raises :class:`NotRecovered` after three minutes.
        """
        restarted = self._restarted(killed)
        with work_of(self._system.mongo_uri) as work:
            left: set[str] | None = None
            while left is None or left:
                if clock.monotonic() - restarted > RECOVERED_WITHIN_S:
                    some = sorted(left or {"the database does not answer"})[:5]
                    raise NotRecovered(f"{killed.victim}: {', '.join(some)}")
                clock.sleep(LOOK_EVERY_S)
                self.wake()
                with contextlib.suppress(PyMongoError):
                    open_now = work.unfinished()
                    left = open_now if left is None else left & open_now
        self._wait_ready(killed.victim, restarted + RECOVERED_WITHIN_S)
        return clock.monotonic() - restarted

    def wait_ready(self) -> None:
        """Return when everything that can be killed answers again."""
        until = clock.monotonic() + RECOVERED_WITHIN_S
        for victim in self.victims:
            self._wait_ready(victim, until)

    def _wait_ready(self, victim: str, until: float) -> None:
        while not self.ready(victim):
            if clock.monotonic() > until:
                raise NotRecovered(f"{victim} is not ready")
            clock.sleep(LOOK_EVERY_S)

    def _restarted(self, killed: Killed) -> float:
        while (pid := self.pid_of(killed.victim)) is None or pid == killed.pid:
            if clock.monotonic() - killed.at > RESTARTED_WITHIN_S:
                raise NotRecovered(f"{killed.victim} is not started again")
            self.wake()
            clock.sleep(0.02)
        return clock.monotonic()

    def ready(self, victim: str) -> bool:
        """Tell whether a program, or the server, answers."""
        name = victim.removesuffix(CHILD)
        if name in SERVERS:
            server = self._system.mongo if name == "mongo" else self._system.kafka
            return server.answers()
        return self._system.ready(name)


class Work:
    """What was acknowledged and is not at its end yet, read from the databases."""

    def __init__(self, client: MongoClient[dict[str, Any]]) -> None:
        self._client = client

    def unfinished(self) -> set[str]:
        """Return names of orders and records that wait for an answer, and of rows not sent."""
        found: set[str] = set()
        store, activities = self._database("store"), self._database("activities")
        for state in ("PLACED", "USED", "CANCELLING"):
            rows = store["orders"].find({"state": state}, {"_id": 1})
            found |= {f"order {row['_id']} in {state}" for row in rows}
        for row in activities["records"].find({"state": "CONFIRMED"}, {"version": 1}):
            found.add(f"record {row['_id']} version {row['version']}")
        for service in SERVICES:
            if service != "ledger":
                rows = self._database(service)["outbox"].find({"sent_to": None}, {"_id": 1})
                found |= {f"row {row['_id']} of {service}" for row in rows}
        return found

    def _database(self, service: str) -> Any:
        return self._client[Settings.database_prefix + service]


@contextlib.contextmanager
def work_of(mongo_uri: str) -> Iterator[Work]:
    """Look at the work of a system that may be down for moments."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        mongo_uri, serverSelectionTimeoutMS=500, socketTimeoutMS=3_000, connectTimeoutMS=500
    )
    try:
        yield Work(client)
    finally:
        client.close()
