"""The worker's page is there for a probe, whoever else is at it, and goes when the worker does."""

from __future__ import annotations

import contextlib
import http.client
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from deploy.embedded.local_server import free_port
from deploy.embedded.servers import MongoServer
from shared import clock
from shared.mongo import ServiceDatabase
from shared.worker import health
from shared.worker.health import CONNECTIONS_MAX, Health
from tests.shared.conftest import settings_for

pytestmark = pytest.mark.servers

SOON_S = 3.0
DONE_WITHIN_S = 1.0


@pytest.fixture
def port(
    mongo: MongoServer,
    connect: Callable[..., ServiceDatabase],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[int]:
    """A page that gives nobody longer than a second; it has to stop at once."""
    monkeypatch.setattr(health, "DONE_WITHIN_S", DONE_WITHIN_S)
    port = free_port()
    page = Health(replace(settings_for(mongo), metrics_port=port), connect())
    page.broker_answers()
    page.start()
    try:
        yield port
    finally:
        began = clock.monotonic()
        page.stop()
        took = clock.monotonic() - began
    assert took < SOON_S, f"{took:.1f} s until it had stopped"


def answer(port: int, path: str = "/readyz") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SOON_S)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answered = connection.getresponse()
        return answered.status, answered.read()


@contextlib.contextmanager
def trickling(port: int) -> Iterator[socket.socket]:
    """Say a little now and then, and never all of it."""
    enough = threading.Event()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:

        def trickle() -> None:
            with contextlib.suppress(OSError):
                peer.sendall(b"GET /readyz HTTP/1.1\r\nX: ")
                while not enough.wait(0.1):
                    peer.sendall(b"x")

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        try:
            yield peer
        finally:
            enough.set()
            thread.join(10)


@contextlib.contextmanager
def silent(port: int) -> Iterator[socket.socket]:
    """Say nothing at all."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        yield peer


def came_to_its_end(peer: socket.socket) -> bool:
    """Read until the other side has gone."""
    with contextlib.suppress(ConnectionError):
        while peer.recv(4096):
            pass
    return True


@pytest.mark.parametrize("slow", [silent, trickling])
def test_who_is_slow_keeps_no_probe_waiting_and_is_cut_off(
    port: int,
    slow: Callable[[int], contextlib.AbstractContextManager[socket.socket]],
    capfd: pytest.CaptureFixture[str],
) -> None:
    with slow(port) as peer:
        began = clock.monotonic()
        assert answer(port) == (200, b"ok\n")
        assert answer(port, "/metrics")[0] == 200
        assert clock.monotonic() - began < SOON_S
        assert came_to_its_end(peer)
        assert clock.monotonic() - began < DONE_WITHIN_S + SOON_S
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("slow", [silent, trickling])
def test_who_is_slow_does_not_keep_the_page_from_stopping(
    mongo: MongoServer,
    connect: Callable[..., ServiceDatabase],
    slow: Callable[[int], contextlib.AbstractContextManager[socket.socket]],
) -> None:
    port = free_port()
    page = Health(replace(settings_for(mongo), metrics_port=port), connect())
    page.start()
    with slow(port) as peer:
        assert answer(port, "/healthz") == (200, b"ok\n")  # so the slow one is served too
        began = clock.monotonic()
        page.stop()
        assert came_to_its_end(peer)
        assert clock.monotonic() - began < SOON_S


def test_of_too_many_the_oldest_goes(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DONE_WITHIN_S", 60.0)
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(silent(port)) for _ in range(CONNECTIONS_MAX)]
        assert answer(port) == (200, b"ok\n")
        assert came_to_its_end(peers[0])


def test_a_fault_is_one_line_of_the_log(
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    def fail(_handler: object) -> None:
        raise TimeoutError("too slow")

    monkeypatch.setattr("shared.worker.health._Quiet.handle", fail)
    with caplog.at_level(logging.INFO), silent(port) as peer:
        assert came_to_its_end(peer)
    assert [one.message for one in caplog.records if one.name == health.__name__] == [
        "page not given"
    ]
    assert "Traceback" not in capfd.readouterr().err
