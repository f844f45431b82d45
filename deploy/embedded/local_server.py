"""A server as a process of our own: its kept port, its start and end, its log."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 10.0
PORT_FREED_WITHIN_S = 3.0
LOG_TAIL_LINES = 15
# Below Linux's range of outgoing connections, so that a kept port is not taken by one meanwhile.
PORTS = range(20_000, 32_000)
# Chosen by this process and perhaps not listened on yet: no two names of a system get the same.
_chosen: set[int] = set()


class ServerDidNotStart(Exception):
    """A server ended, or did not answer in time; the message carries the end of its log."""


def free_port() -> int:
    """Return a loopback port that nothing listens on, and that was not returned before."""
    for port in random.sample(PORTS, 200):
        if port not in _chosen and _can_listen(port):
            _chosen.add(port)
            return port
    raise ServerDidNotStart("no free port on 127.0.0.1 between 20000 and 32000")


def kept_port(directory: Path, name: str, port: int | None = None) -> int:
    """Return the port chosen for `name` at the first call in this directory, ever the same."""
    kept = directory / f"{name}.port"
    if port is None and kept.exists():
        _chosen.add(int(kept.read_text()))
        return int(kept.read_text())
    port = port or free_port()
    directory.mkdir(parents=True, exist_ok=True)
    kept.write_text(str(port))
    return port


class LocalServer:
    """A server process of our own on a kept loopback port, in its own session and directory."""

    name = "server"

    def __init__(self, data_dir: Path | str, port: int | None = None) -> None:
        self.directory = Path(data_dir).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = kept_port(self.directory, self.name, port)
        self.log_path = self.directory / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id; refuses where the server was not started from here."""
        if self._process is None:
            raise ProcessLookupError(f"{self.name} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def prepare(self) -> None:
        """Write what the command needs; called again, it changes nothing."""

    def command(self) -> list[str]:
        """Return the command line; it wants `directory` as working directory."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Return whether the server serves clients now."""
        raise NotImplementedError

    def start(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start the process and return when it serves; refuses with `ServerDidNotStart`."""
        if self.running:
            return
        self.prepare()
        self.refuse_taken_port()
        with self.log_path.open("ab") as log:
            # A session of its own: Ctrl-C reaches us first, and we stop things in order.
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self.wait_ready(timeout_s)
        except BaseException:
            self.kill()
            raise

    def refuse_taken_port(self) -> None:
        """Refuse with `ServerDidNotStart` where another process goes on listening on our port."""
        deadline = time.monotonic() + PORT_FREED_WITHIN_S
        while not _can_listen(self.port):
            # What was killed just now holds its port for a moment yet.
            if time.monotonic() > deadline:
                raise ServerDidNotStart(f"{self.name}: another process listens on {self.address}")
            time.sleep(0.05)

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Return when the server serves, whoever started it; refuses with `ServerDidNotStart`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                status = self._process.returncode
                raise ServerDidNotStart(f"{self.name} ended with {status}\n{self.log_tail()}")
            if _listens(self.port) and self.answers():
                return
            time.sleep(0.05)
        raise ServerDidNotStart(
            f"{self.name} did not answer within {timeout_s:.0f} s\n{self.log_tail()}"
        )

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Ask the process to end (SIGTERM) and wait for it; kill it where it does not."""
        if self._process is None:
            return
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """End the process as a crash would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def suspend(self) -> None:
        """Let the process stand still with its connections open (SIGSTOP)."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a suspended process go on (SIGCONT)."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)

    def log_tail(self) -> str:
        """Return the last lines of the server's log."""
        if not self.log_path.exists():
            return "(no log)"
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:]) or "(empty log)"


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
