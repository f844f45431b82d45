"""A house whose parts crash and are made anew in the same slot, at the same address."""

from __future__ import annotations

import importlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from flask import Flask
from pymongo import MongoClient
from pymongo.database import Database
from werkzeug.serving import ThreadedWSGIServer

from shared import clock
from tests.faults.crash_points.lives import Crash, Life, within
from tests.journeys.house import House, QuietRequests

log = logging.getLogger(__name__)


class CrashingHouse(House):
    """Four web apps and four workers; what crashes is buried, and another life begins."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.crashes = 0
        self._webs: dict[str, Web] = {}
        self._onlooker: MongoClient[Any] = MongoClient(self.mongo.uri, tz_aware=True)

    def environment(self, slot: str) -> dict[str, str]:
        """Return the settings of a process of this house; a crash is no news here."""
        return {**super().environment(slot), "GONGXIANG_LOG_LEVEL": "CRITICAL"}

    def serve(self, service: str) -> None:
        """Serve a service's web app, again after every crash, until :meth:`close`."""
        self._webs[service] = web = Web(self, service)
        web.begin()
        self.urls[service] = f"http://127.0.0.1:{web.port}"

    def rows(self, service: str) -> Database[Any]:
        """Return a service's database, for who only looks on."""
        return self._onlooker[f"{self.prefix}{service}"]

    def close(self) -> None:
        """Stop everything."""
        super().close()
        self._onlooker.close()
        for web in self._webs.values():
            web.close()

    @contextmanager
    def living(self, name: str) -> Iterator[Life]:
        """Let a worker live within; where it crashed, bury it."""
        life = Life(name)
        life.on_crash = lambda: self._worker_crashed(name)
        try:
            with within(life):
                yield life
        except Crash:
            pass
        finally:
            if life.dead:
                life.bury()

    def is_well(self, seconds: float = 60) -> None:
        """Wait until every part has taken up its work."""
        deadline = clock.monotonic() + seconds
        while waiting := [web.service for web in self._webs.values() if not web.life.ready]:
            assert clock.monotonic() < deadline, f"not served again: {waiting}"
            clock.sleep(0.05)

    def command(self, name: str, run: Callable[[], Any]) -> int:
        """Run an operator's command until it has come through; return how often it crashed."""
        crashes = 0
        while True:
            with self.commanding(name) as life:
                run()
            if not life.dead:
                return crashes
            crashes += 1

    @contextmanager
    def commanding(self, name: str) -> Iterator[Life]:
        """Let a command run within, in this thread."""
        life = Life(name)
        life.ready = True
        life.on_crash = self._crashed
        try:
            with within(life):
                yield life
        except Crash:
            pass
        finally:
            if life.dead:
                life.bury()

    def _worker_crashed(self, name: str) -> None:
        self._crashed()
        kept = self._workers.get(name)
        if kept is not None and kept.lives:
            kept.worker.stop()

    def _crashed(self) -> None:
        self.crashes += 1


class Web:
    """A service's web process, kept up."""

    def __init__(self, house: CrashingHouse, service: str) -> None:
        self.service = service
        self.port = 0
        self.life = Life(f"{service}-web-0")
        self._house = house
        self._server: CutServer | None = None

    def begin(self) -> None:
        """Make the app and serve it; again where it crashes at its start."""
        while not self._begun():
            clock.sleep(0.02)

    def close(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.end()
        self.life.bury()

    def _begun(self) -> bool:
        self.life = life = Life(f"{self.service}-web-0")
        life.on_crash = self._crashed
        try:
            with within(life):
                app = self._app()
                self._server = server = CutServer("127.0.0.1", self.port, app, QuietRequests)
                threading.Thread(
                    target=server.serve_forever, args=(0.05,), name=life.name, daemon=True
                ).start()
        except Crash:
            life.bury()
            return False
        self.port = server.server_port
        life.ready = True
        return True

    def _app(self) -> Flask:
        module = importlib.import_module(f"services.{self.service}.app")
        app: Flask = module.create_app(self._house.settings(self.service, self.life.name))
        return app

    def _crashed(self) -> None:
        self._house._crashed()
        if self.life.ready:
            server, life = self._server, self.life
            assert server is not None
            server.cut()
            with within(None):
                threading.Thread(target=self._again, args=(server, life), daemon=True).start()

    def _again(self, server: CutServer, life: Life) -> None:
        server.end()
        life.bury()
        self.begin()


class CutServer(ThreadedWSGIServer):
    """A server whose connections can all be cut at once, as a kill does."""

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take note of the connection."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a connection that was cut is no news."""

    def cut(self) -> None:
        """Cut all connections."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Stop serving, and free the port."""
        self.shutdown()
        self.server_close()
        self.cut()
