"""Supervisor of one data directory: started here, spoken to from any process by its socket."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from deploy.embedded import process_file
from deploy.embedded.process_file import SERVICES_GROUP, Program

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0


class SupervisorDidNotStart(Exception):
    """Supervisor ended or did not answer in time; the message carries the end of its log."""


class Supervisor:
    """Starts programs, starts them again when they die, stops them in order."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether a supervisor answers for this data directory, whoever started it."""
        try:
            self._ask("getState")
        except (OSError, HTTPException):
            return False
        return True

    def launch(self, programs: Sequence[Program]) -> None:
        """Write the process file and start supervisor on it; no program runs yet."""
        path = self._data_dir / "supervisord.conf"
        process_file.write(path, programs, data_dir=self._data_dir)
        with (self._data_dir / "logs" / "supervisord.out").open("wb") as log:
            # A session of its own: Ctrl-C reaches us alone, and we stop the rest in order.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(path)],
                cwd=self._data_dir,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.running:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise SupervisorDidNotStart(f"supervisord:\n{self.log_tail('supervisord')}")
            time.sleep(0.05)

    def processes(self) -> dict[str, int]:
        """Return the process id of every program that runs."""
        return {info["name"]: info["pid"] for info in self._ask("getAllProcessInfo") if info["pid"]}

    def states(self) -> dict[str, str]:
        """Return what supervisor says of every program: RUNNING, STOPPED, BACKOFF, …"""
        return {info["name"]: info["statename"] for info in self._ask("getAllProcessInfo")}

    def start(self, name: str) -> None:
        """Start a program; one that runs stays as it is."""
        with _unless("ALREADY_STARTED"):
            self._ask("startProcess", self._full_name(name), False)

    def halt(self, name: str) -> None:
        """Stop a program in good order; it stays stopped."""
        with _unless("NOT_RUNNING"):
            self._ask("stopProcess", self._full_name(name))

    def start_services(self) -> None:
        """Start all programs of the services' group without waiting for them."""
        self._ask("startProcessGroup", SERVICES_GROUP, False)

    def halt_services(self) -> None:
        """Stop all programs of the services' group, side by side."""
        self._ask("stopProcessGroup", SERVICES_GROUP)

    def shut_down(self) -> None:
        """End supervisor itself, and with it whatever program still runs."""
        if self.running:
            self._ask("shutdown")
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self.running and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._process is not None:
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def log_tail(self, name: str, lines: int = 15) -> str:
        """Return the last lines of a program's log."""
        path = self._data_dir / "logs" / f"{name}.log"
        text = path.read_text(errors="replace") if path.exists() else "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def _full_name(self, name: str) -> str:
        for info in self._ask("getAllProcessInfo"):
            if info["name"] == name:
                return f"{info['group']}:{name}"
        raise KeyError(f"there is no program {name}")

    def _ask(self, method: str, *arguments: object) -> Any:
        # A transport per question: they are not safe to share between threads, and are cheap.
        address = f"unix://{process_file.socket_path(self._data_dir)}"
        transport = SupervisorTransport(serverurl=address)
        try:
            supervisor = ServerProxy("http://localhost", transport=transport).supervisor
            return getattr(supervisor, method)(*arguments)
        finally:
            transport.close()


@contextlib.contextmanager
def _unless(fault: str) -> Iterator[None]:
    """Take supervisor's complaint that nothing is left to do for success."""
    try:
        yield
    except Fault as complaint:
        if fault not in complaint.faultString:
            raise
