"""The whole house in one process: four web apps and four workers on the real servers.

HTTP goes over loopback sockets, events over the real broker, facts into the real database. Only the
way out to the broker can be tampered with: a test may send everything twice, or shuffle what has
different keys.
"""

from __future__ import annotations

import base64
import importlib
import logging
import os
import random
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock, ids
from shared.kafka import Outgoing, Producer
from shared.settings import Settings, load
from shared.web.running import DATABASE
from shared.worker import Worker, relaying

SERVICES = ("volunteers", "activities", "ledger", "store")
AGAIN_AFTER_S = 0.2

log = logging.getLogger(__name__)

Tamper = Callable[[Sequence[Outgoing]], list[Outgoing]]


def twice(outgoing: Sequence[Outgoing]) -> list[Outgoing]:
    """Every message comes twice, the second time after all the others of its round."""
    return [*outgoing, *outgoing]


def shuffled(seed: int) -> Tamper:
    """Return a way out that keeps the order of each key and mixes the keys."""
    dice = random.Random(seed)

    def mix(outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        waiting: dict[str, list[Outgoing]] = {}
        for event in outgoing:
            waiting.setdefault(event.key, []).append(event)
        mixed = []
        while waiting:
            key = dice.choice(sorted(waiting))
            mixed.append(waiting[key].pop(0))
            if not waiting[key]:
                del waiting[key]
        return mixed

    return mix


def as_they_are(outgoing: Sequence[Outgoing]) -> list[Outgoing]:
    """Every message comes once, in order."""
    return list(outgoing)


class TamperedProducer(Producer):
    """A real producer that sends what ``tamper`` makes of it, and says the truth about each."""

    tamper: Tamper = staticmethod(as_they_are)

    def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
        """Send the tampered messages; one counts as sent when all of its copies were."""
        tampered = type(self).tamper(outgoing)
        sent = super().send(tampered)
        failed = {event.id for event, ok in zip(tampered, sent, strict=True) if not ok}
        return [event.id not in failed for event in outgoing]


class KeptWorker:
    """A worker that is kept up: whatever it ends with, another one starts, as a supervisor's."""

    def __init__(
        self,
        name: str,
        create: Callable[[], Worker],
        living: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        """``living`` is entered for each life, from the worker's making to its end."""
        self.name = name
        self.lives = 0
        self.ended_by: list[BaseException] = []
        self._create = create
        self._living = living
        self._worker: Worker | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Worker:
        """Return the first worker as soon as it is made."""
        self._thread.start()
        deadline = clock.monotonic() + 60
        while self._worker is None:
            assert clock.monotonic() < deadline, f"{self.name} was not made"
            clock.sleep(0.01)
        return self._worker

    @property
    def worker(self) -> Worker:
        """Return the worker that lives now, or lived last."""
        assert self._worker is not None
        return self._worker

    def stop(self) -> None:
        """Stop it as SIGTERM would; it is not started again."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.stop()
        self._thread.join(15)
        assert not self._thread.is_alive(), f"{self.name} did not stop"

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._living(self.name):
                    self._live()
            except Exception:
                log.exception("%s ended", self.name)
            if not self._stopping.wait(AGAIN_AFTER_S if self.lives else 0):
                log.warning("%s starts again", self.name)

    def _live(self) -> None:
        self._worker = worker = self._create()
        self.lives += 1
        if self._stopping.is_set():
            worker.stop()
        worker.run()
        if worker._failed is not None:
            self.ended_by.append(worker._failed)


@dataclass
class House:
    """Web and workers of the four services, each joined as in production, in threads."""

    mongo: MongoServer
    kafka: KafkaServer | None
    data_dir: Path
    urls: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    """Settings of a test's own, for every process that starts from now on."""

    def __post_init__(self) -> None:
        self.prefix = f"t{ids.new_id()}_"
        self.clock_file = self.data_dir / "clock-offset"
        self.clock_file.write_text("0\n")
        self._servers: list[BaseWSGIServer] = []
        self._apps: list[Flask] = []
        self._workers: dict[str, KeptWorker] = {}
        self._secrets = {
            "GONGXIANG_TOKEN_KEYS": f"t1:{_key()}",
            "GONGXIANG_PHONE_KEY": _key(),
            "GONGXIANG_PERSON_KEYS": f"p1:{_key()}",
            "GONGXIANG_CHECK_IN_KEYS": f"c1:{_key()}",
            "GONGXIANG_VOUCHER_KEYS": f"v1:{_key()}",
        }

    @property
    def broker(self) -> KafkaServer:
        """Return the broker of a house that has one."""
        assert self.kafka is not None, "a house without a broker"
        return self.kafka

    def environment(self, slot: str) -> dict[str, str]:
        """Return the settings of a process of this house."""
        return {
            "GONGXIANG_MODE": "embedded",
            "GONGXIANG_MONGO_URI": self.mongo.uri,
            "GONGXIANG_KAFKA_BOOTSTRAP": self.kafka.bootstrap if self.kafka else "127.0.0.1:1",
            "GONGXIANG_DATABASE_PREFIX": self.prefix,
            "GONGXIANG_TOPIC_PARTITIONS": "4",
            "GONGXIANG_CLOCK_OFFSET_FILE": str(self.clock_file),
            "GONGXIANG_JWKS_URL": f"{self.urls.get('volunteers', '')}/.well-known/jwks.json",
            "GONGXIANG_REQUESTS_A_MINUTE": "0",
            "GONGXIANG_REQUESTS_A_MINUTE_ADDRESS": "0",
            "GONGXIANG_SLOT": slot,
            "GONGXIANG_LOG_LEVEL": "WARNING",
            **self._secrets,
            **self.more,
        }

    def settings(self, service: str, slot: str) -> Settings:
        """Return a service's own settings, read as its processes read them."""
        module = importlib.import_module(f"services.{service}.settings")
        kind = getattr(module, f"{service.capitalize()}Settings")
        settings: Settings = load(kind, self.environment(slot))
        return settings

    def open(self) -> None:
        """Start web and workers, on a broker without topics."""
        for service in SERVICES:
            self.serve(service)
        for service in SERVICES:
            self.start_worker(service)

    def close(self) -> None:
        """Stop everything and drop the databases."""
        for name in list(self._workers):
            self.stop_worker(name)
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for app in self._apps:
            app.extensions[DATABASE].close()

    @property
    def workers(self) -> dict[str, Worker]:
        """Return the workers that live now, by name: ``store-worker-0``."""
        return {name: kept.worker for name, kept in self._workers.items()}

    @property
    def ended_by(self) -> list[BaseException]:
        """Return what ended lives of workers, but for being told to stop."""
        return [error for kept in self._workers.values() for error in kept.ended_by]

    @property
    def lives(self) -> dict[str, int]:
        """Return how often each worker was started: more than once where it ended by itself."""
        return {name: kept.lives for name, kept in self._workers.items()}

    def start_worker(self, service: str, number: int = 0) -> None:
        """Start a worker of a service and keep it up, until :meth:`stop_worker`."""
        name = f"{service}-worker-{number}"

        def create() -> Worker:
            module = importlib.import_module(f"services.{service}.worker")
            worker: Worker = module.create_worker(self.settings(service, name))
            return worker

        self._workers[name] = kept = KeptWorker(name, create, self.living)
        kept.start()

    def stop_worker(self, name: str) -> None:
        """Stop a worker as SIGTERM would."""
        name = name if "-worker-" in name else f"{name}-worker-0"
        self._workers.pop(name).stop()

    def living(self, name: str) -> AbstractContextManager[object]:
        """Return what each life of a part is spent in; here nothing."""
        return nullcontext(name)

    def web_app(self, service: str) -> Flask:
        """Return the Flask app of a service as its web process makes it, until :meth:`close`."""
        settings = self.settings(service, f"{service}-web-test-{len(self._apps)}")
        app: Flask = importlib.import_module(f"services.{service}.app").create_app(settings)
        self._apps.append(app)
        return app

    def bootstrap(self, *, district: str, admin_phone: str) -> None:
        """Set a district up as an operator does."""
        bootstrap(self.environment("bootstrap"), district=district, admin_phone=admin_phone)

    def serve(self, service: str) -> None:
        """Serve a service's web app on a loopback port, until :meth:`close`."""
        app = self.web_app(service)
        server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietRequests)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._servers.append(server)
        self.urls[service] = f"http://127.0.0.1:{server.server_port}"


class QuietRequests(WSGIRequestHandler):
    def log_request(self, *_: object) -> None:
        """Say nothing: the tests say what they ask."""


@contextmanager
def tampered(tamper: Tamper, monkeypatch: Any) -> Iterator[None]:
    """Let every worker that starts meanwhile send what ``tamper`` makes of its events."""
    kind = type("Tampered", (TamperedProducer,), {"tamper": staticmethod(tamper)})
    with monkeypatch.context() as patch:
        patch.setattr(relaying, "Producer", kind)
        yield


def bootstrap(settings: Mapping[str, str], *, district: str, admin_phone: str) -> None:
    """Run ``python -m deploy.bootstrap`` with these settings; its output where it fails."""
    made = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.bootstrap", "--district", district),
            *("--admin-phone", admin_phone),
        ],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert made.returncode == 0, made.stderr


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
