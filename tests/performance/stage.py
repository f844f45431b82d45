"""What an arm plays on: servers with nothing in them, their data on disk, every commit synced."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from deploy.embedded.servers import KafkaServer, MongoServer
from deploy.embedded.system import System
from shared import ids
from shared.mongo import ServiceDatabase
from shared.settings import Settings
from tests.faults.conftest import started

T = TypeVar("T")
SomeSettings = TypeVar("SomeSettings", bound=Settings)


class Stage:
    """One arm's own: what it starts here is new to it, and gone when it ends."""

    def __init__(self, kept: Servers | None, directory: Path) -> None:
        self._kept = kept
        self.directory = directory
        self._ending = ExitStack()
        self._own: dict[str, Any] = {}
        self._prefix = f"b{ids.new_id()}_"

    def mongo(self) -> MongoServer:
        """Return the database server."""
        return self._server("mongo", lambda at: _up(MongoServer(at)))

    def kafka(self) -> KafkaServer:
        """Return the broker."""
        return self._server("kafka", lambda at: _up(KafkaServer(at)))

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
            "database_prefix": self._prefix,
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

    def _server(self, name: str, start: Callable[[Path], Any]) -> Any:
        if name not in self._own:
            if self._kept is not None:
                self._own[name] = self._kept.one(name, start)
            else:
                # Entered before all that uses it, so stopped after it.
                self._own[name] = start(self.directory / name)
                self._ending.callback(self._own[name].stop)
        return self._own[name]


class Servers:
    """Gives each arm its stage: servers of its own, or for small runs the same ones to all.

    On kept servers an arm's databases are new, by their prefix; topics it has to name itself.
    """

    def __init__(self, *, kept: bool) -> None:
        self._kept = kept
        self._directory = Path(tempfile.mkdtemp(prefix="gongxiang-bench-"))
        self._running: dict[str, Any] = {}

    @contextmanager
    def stage(self) -> Iterator[Stage]:
        """Return a stage for one arm."""
        directory = Path(tempfile.mkdtemp(dir=self._directory))
        stage = Stage(self if self._kept else None, directory)
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

    def close(self) -> None:
        """Stop what was kept and forget all data."""
        for server in reversed(self._running.values()):
            server.stop()
        shutil.rmtree(self._directory, ignore_errors=True)


def _up(server: Any) -> Any:
    server.start()
    return server
