"""A worker's own small HTTP page: ``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from shared import clock
from shared.mongo import DatabaseTrouble, ServiceDatabase, answered_within
from shared.settings import Settings

READY_WITHIN_S = 3.0
DONE_WITHIN_S = 10.0
"""Longer than it takes to find that the database does not answer: that is an answer too."""
CONNECTIONS_MAX = 32
LOOK_EVERY_S = 0.2

log = logging.getLogger(__name__)


class Health:
    """Serves on loopback's metrics port in a thread; nothing where the port is 0."""

    def __init__(self, settings: Settings, database: ServiceDatabase) -> None:
        self._port = settings.metrics_port
        self._host = "127.0.0.1" if settings.embedded else "0.0.0.0"  # noqa: S104 (a container's port)
        self._database = database
        self._broker_answered = False
        self._server: _Server | None = None
        self._metrics = make_wsgi_app()

    def broker_answers(self) -> None:
        """Say that Kafka has answered: the worker is ready when MongoDB answers too."""
        self._broker_answered = True

    def start(self) -> None:
        """Serve until :meth:`stop`."""
        if not self._port:
            return
        self._server = make_server(
            self._host, self._port, self._page, server_class=_Server, handler_class=_Quiet
        )
        threading.Thread(
            target=self._server.serve_forever, args=(LOOK_EVERY_S,), name="health", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop serving and free the port, whoever is still at it."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _page(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path == "/metrics":
            return list(self._metrics(environ, start))
        ready = path == "/healthz" or (path == "/readyz" and self._is_ready())
        known = path in ("/healthz", "/readyz")
        start("200 OK" if ready else "503 Service Unavailable" if known else "404 Not Found", [])
        return [b"ok\n" if ready else b"not ready\n"]

    def _is_ready(self) -> bool:
        try:
            with answered_within(READY_WITHIN_S):
                self._database.client.admin.command("ping")
        except DatabaseTrouble:
            return False
        return self._broker_answered


class _Server(ThreadingMixIn, WSGIServer):
    """Answers each in a thread of its own; who is slow is cut off, and keeps nobody waiting."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, *args: Any) -> None:
        # Connections and when they have to be done; all may take equally long, so in order.
        self._open: dict[Any, float] = {}
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread; where there are too many, the oldest goes."""
        for oldest in list(self._open)[: len(self._open) - CONNECTIONS_MAX + 1]:
            self._cut(oldest)
        self._open[request] = clock.monotonic() + DONE_WITHIN_S
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._open.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Cut off whose time is over."""
        now = clock.monotonic()
        for request, until in list(self._open.items()):
            if until <= now:
                self._cut(request)

    def server_close(self) -> None:
        """Free the port, and cut off whoever is still there."""
        super().server_close()
        for request in list(self._open):
            self._cut(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (the library's)
        """Say it in one line of the log: a probe that went away is no fault of ours."""
        error = sys.exception()
        log.info("page not given", extra={"why": f"{type(error).__name__}: {error}"})

    def _cut(self, request: Any) -> None:
        self._open.pop(request, None)
        # Its thread reads the end of it, and closes it.
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Probes come every second; they are no news."""
