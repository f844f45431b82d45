"""What an arm plays on: servers with nothing in them, their data on disk, every commit synced."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from kafka import KafkaAdminClient

from deploy.embedded.servers import KafkaServer, MongoServer
from deploy.embedded.system import System
from shared import clock, ids
from shared.mongo import ServiceDatabase
from shared.settings import Settings
from tests.faults.system import started

T = TypeVar("T")
SomeSettings = TypeVar("SomeSettings", bound=Settings)


class Stage:
    """One arm's own: what it starts here is new to it, and gone when it ends."""

    def __init__(self, servers: Servers, directory: Path) -> None:
        self._servers = servers
        self.directory = directory
        self._ending = ExitStack()
        self._own: dict[str, Any] = {}
        self.prefix = f"b{ids.new_id()}_"

    def mongo(self, *, holding: Path | None = None) -> MongoServer:
        """Return the database server; the first call may give it a copy of a server's data."""

        def start(at: Path) -> MongoServer:
            server = MongoServer(at)
            if holding is not None:
                shutil.copytree(holding / "data", server.directory / "data")
            return _up(server)

        # A kept server has what others left in it, so one that holds data is the arm's own.
        return self._server("mongo", start, kept=holding is None)

    def made_once(self, name: str, make: Callable[[MongoServer], object]) -> Path:
        """Return the directory of a server that ``make`` filled; made at the first asking."""
        return self._servers.filled(name, make)

    def kafka(self) -> KafkaServer:
        """Return the broker, without a topic."""
        first = "kafka" not in self._own
        server: KafkaServer = self._server("kafka", lambda at: _up(KafkaServer(at)))
        if first and self._servers.kept:
            without_topics(server)
        return server

    def system(self) -> System:
        """Return the whole system, one worker a service, without rate limits."""
        return self._server("system", started)

    def settings(self, kind: type[SomeSettings], slot: str, **more: Any) -> SomeSettings:
        """Return the settings of one process on these servers."""
        bootstrap = self._own["kafka"].bootstrap if "kafka" in self._own else "127.0.0.1:1"
        common = {
            "mode": "embedded",
            "mongo_uri": self.mongo().uri,
            "kafka_bootstrap": bootstrap,
            "jwks_url": "",
            "database_prefix": self.prefix,
            "slot": slot,
            "log_level": "ERROR",
        }
        return kind(**{**common, **more})

    def database(self, name: str, settings: Settings) -> ServiceDatabase:
        """Return a service's database, its shared collections made; closed with the arm."""
        database = ServiceDatabase.connect(settings, name)
        self.callback(database.close)
        return database

    def enter(self, what: AbstractContextManager[T]) -> T:
        """Enter something until the arm ends."""
        return self._ending.enter_context(what)

    def callback(self, call: Callable[[], object]) -> None:
        """Call something when the arm ends."""
        self._ending.callback(call)

    def close(self) -> None:
        """End all that was entered; the servers last, where they are this arm's alone."""
        self._ending.close()

    def _server(self, name: str, start: Callable[[Path], Any], *, kept: bool = True) -> Any:
        if name not in self._own:
            if kept and self._servers.kept:
                self._own[name] = self._servers.one(name, start)
            else:
                # Entered before all that uses it, so stopped after it.
                self._own[name] = start(self.directory / name)
                self._ending.callback(self._own[name].stop)
        return self._own[name]


class Servers:
    """Gives each arm its stage: servers of its own, or for small runs the same ones to all.

    On kept servers an arm's databases are new, by their prefix, and its broker has no topics.
    """

    def __init__(self, *, kept: bool) -> None:
        self.kept = kept
        self._directory = Path(tempfile.mkdtemp(prefix="gongxiang-bench-"))
        self._running: dict[str, Any] = {}

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """Return a stage for one arm."""
        directory = Path(tempfile.mkdtemp(dir=self._directory))
        stage = Stage(self, directory)
        try:
            yield stage
        finally:
            stage.close()
            shutil.rmtree(directory, ignore_errors=True)

    def one(self, name: str, start: Callable[[Path], Any]) -> Any:
        """Return the one kept server of this name."""
        if name not in self._running:
            self._running[name] = start(self._directory / name)
        return self._running[name]

    def filled(self, name: str, make: Callable[[MongoServer], object]) -> Path:
        """Return the directory of a stopped server that ``make`` has filled."""
        directory = self._directory / f"filled-{name}"
        if not directory.exists():
            server = MongoServer(directory)
            server.start()
            try:
                make(server)
            finally:
                server.stop()
        return directory

    def close(self) -> None:
        """Stop what was kept and forget all data."""
        for server in reversed(self._running.values()):
            server.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


def without_topics(server: KafkaServer) -> None:
    """Delete what topics of ours a broker has; return when they are gone."""
    admin = KafkaAdminClient(bootstrap_servers=server.bootstrap, bootstrap_timeout_ms=5_000)
    deadline = clock.monotonic() + 20
    while ours := [topic for topic in admin.list_topics() if topic.endswith(".events")]:
        if clock.monotonic() > deadline:
            raise TimeoutError(f"still there: {ours}")
        admin.delete_topics(ours, raise_errors=False)
        clock.sleep(0.1)
    admin.close()


def _up(server: Any) -> Any:
    server.start()
    return server
