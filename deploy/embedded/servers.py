"""The embedded servers as processes: Apache Kafka, and SecantusDB in MongoDB's place.

Tests start them directly; the process file of `system.py` takes their `command()` instead.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.embedded import kafka_files

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
LOG_TAIL_LINES = 15
# Below Linux's range of outgoing connections, so that a kept port is not taken by one meanwhile.
PORTS = range(20_000, 32_000)


class ServerDidNotStart(Exception):
    """A server ended, or did not answer in time; the message carries the end of its log."""


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    for port in random.sample(PORTS, 200):
        if _can_listen(port):
            return port
    raise ServerDidNotStart("no free port on 127.0.0.1 between 20000 and 32000")


def kept_port(directory: Path, name: str, port: int | None = None) -> int:
    """Return the port chosen for `name` at the first call in this directory, ever the same."""
    kept = directory / f"{name}.port"
    if port is None and kept.exists():
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
        if not _can_listen(self.port):
            raise ServerDidNotStart(f"{self.name}: port {self.port} is taken by another process")
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


class MongoServer(LocalServer):
    """SecantusDB: on disk under `data_dir`, or with None in memory, gone when it stops."""

    name = "mongo"

    def __init__(self, data_dir: Path | str | None = None, port: int | None = None) -> None:
        self._in_memory = data_dir is None
        super().__init__(data_dir or tempfile.mkdtemp(prefix="gongxiang-mongo-"), port)

    @property
    def uri(self) -> str:
        return (
            f"mongodb://{self.address}/?replicaSet=secantus"
            "&w=majority&journal=true&readConcernLevel=majority"
        )

    def prepare(self) -> None:
        # Named on the command line, so that no secantusd.toml of the machine has a say.
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "secantusd.toml").touch()

    def command(self) -> list[str]:
        storage = ":memory:" if self._in_memory else str(self.directory / "data")
        return [
            *(sys.executable, "-m", "secantus", "--config", "secantusd.toml"),
            *("--host", "127.0.0.1", "--port", str(self.port), "--storage-path", storage),
            *("--log-level", "WARNING", "--oplog-retention-seconds", "86400"),
            # Without it, transactions acknowledged with w=majority and j are lost by kill -9.
            *([] if self._in_memory else ["--sync-on-commit"]),
        ]

    def answers(self) -> bool:
        try:
            client: MongoClient[dict[str, object]]
            with MongoClient(self.uri, serverSelectionTimeoutMS=1000) as client:
                return bool(client.admin.command("hello").get("isWritablePrimary"))
        except PyMongoError:
            return False

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        super().stop(timeout_s)
        if self._in_memory:
            shutil.rmtree(self.directory, ignore_errors=True)


class KafkaServer(LocalServer):
    """One KRaft node of Apache Kafka, broker and controller in one process."""

    name = "kafka"

    def __init__(self, data_dir: Path | str, port: int | None = None) -> None:
        super().__init__(data_dir, port)
        self._controller_port = kept_port(self.directory, "kafka-controller")

    @property
    def bootstrap(self) -> str:
        return self.address

    def prepare(self) -> None:
        kafka_files.write_properties(
            self.directory, port=self.port, controller_port=self._controller_port
        )
        if not kafka_files.formatted(self.directory):
            kafka_files.format_storage(self.directory)

    def command(self) -> list[str]:
        return kafka_files.server_command(self.directory)

    def answers(self) -> bool:
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=self.bootstrap,
                bootstrap_timeout_ms=2000,
                request_timeout_ms=2000,
            )
        except KafkaError:
            return False
        try:
            admin.list_topics()
        except KafkaError:
            return False
        finally:
            admin.close()
        return True

    def wipe(self) -> None:
        """Stop the broker and forget all it holds: the next start is a cluster with a new id."""
        self.stop()
        kafka_files.delete_storage(self.directory)


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
