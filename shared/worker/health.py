"""A worker's own small HTTP page: ``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from shared.mongo import DatabaseTrouble, ServiceDatabase, answered_within
from shared.settings import Settings

READY_WITHIN_S = 3.0
ANSWERED_WITHIN_S = 3.0

log = logging.getLogger(__name__)


class Health:
    """Serves on loopback's metrics port in a thread; nothing where the port is 0."""

    def __init__(self, settings: Settings, database: ServiceDatabase) -> None:
        self._port = settings.metrics_port
        self._host = "127.0.0.1" if settings.embedded else "0.0.0.0"  # noqa: S104 (a container's port)
        self._database = database
        self._broker_answered = False
        self._server: WSGIServer | None = None
        self._metrics = make_wsgi_app()

    def broker_answers(self) -> None:
        """Say that Kafka has answered: the worker is ready when MongoDB answers too."""
        self._broker_answered = True

    def start(self) -> None:
        """Serve until :meth:`stop`."""
        if not self._port:
            return
        self._server = make_server(self._host, self._port, self._page, handler_class=_Quiet)
        threading.Thread(target=self._server.serve_forever, name="health", daemon=True).start()

    def stop(self) -> None:
        """Stop serving and free the port."""
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


class _Quiet(WSGIRequestHandler):
    timeout = ANSWERED_WITHIN_S
    """One is answered after the other: who says nothing must not keep the others waiting."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the library's name)
        """Probes come every second; they are no news."""
