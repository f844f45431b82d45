"""Slow clients cost no thread, greedy ones no turn of others; what comes in pieces comes whole."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.local_server import free_port
from deploy.web_worker import AT_WORK_MAX, PARKED_S
from deploy.web_worker.arriving import (
    BODY_BYTES_MAX,
    CHUNK_LINE_BYTES_MAX,
    HEAD_BYTES_MAX,
    TRAILER_BYTES_MAX,
    Arriving,
)
from deploy.web_worker.greedy import Greedy
from shared import clock
from tests.deploy.tiny_app import LARGE, SLOW_S

CODE = Path(__file__).resolve().parents[2]
THREADS = 2
MANY = 4 * THREADS
SOON_S = 1.5
"""Less than the least time for which gthread lets one client hold a thread, or the loop."""
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS_HEAD = b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (HEAD_BYTES_MAX // 6)
LONG_TRAILERS = b"0\r\n" + b"X: y\r\n" * (TRAILER_BYTES_MAX // 6 + 1)

GONE_WITHIN_S = 5.0
"""Less than the time after which whoever is slow goes anyway."""


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The web's worker on a port."""
    with serving(tmp_path_factory.mktemp("gunicorn")) as (port, _):
        yield port


@contextlib.contextmanager
def serving(directory: Path, *options: str) -> Iterator[tuple[int, Path]]:
    """Let two threads of the web's worker serve, with the hooks of the real configuration.

    Yields their port and their log.
    """
    port = free_port()
    hooks = directory / "conf.py"
    hooks.write_text(
        "def post_request(worker, req, environ, resp):\n    worker.note_answer(environ, resp)\n"
    )
    command = [
        *(sys.executable, "-m", "gunicorn", "-c", str(hooks), "--no-control-socket"),
        *("-k", "deploy.web_worker.GatheringWorker", "--threads", str(THREADS)),
        *("-b", f"127.0.0.1:{port}", *options, "tests.deploy.tiny_app:app"),
    ]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=CODE, stdout=log, stderr=log, env=os.environ)
    try:
        _wait_for(port, directory / "log")
        yield port, directory / "log"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def _wait_for(port: int, log: Path) -> None:
    deadline = clock.monotonic() + 20
    while True:
        try:
            assert ask(port) == (200, b"nothing")
            return
        except OSError:
            assert clock.monotonic() < deadline, log.read_text()
            clock.sleep(0.05)


def ask(port: int, path: str = "/", *, who: str = "", within_s: float = 20) -> tuple[int, bytes]:
    """Return what a client that does all right is answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=within_s)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": who} if who else {})
        answer = connection.getresponse()
        return answer.status, answer.read()


@contextlib.contextmanager
def clients(port: int, said: bytes, count: int = MANY) -> Iterator[list[socket.socket]]:
    """Let clients say something and then neither read nor close."""
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(count):
            one = stack.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            one.settimeout(10)
            one.connect(("127.0.0.1", port))
            one.sendall(said)
            sockets.append(one)
        yield sockets


def read_to(one: socket.socket, end: bytes) -> None:
    """Read until the answer ends so; fails after the socket's time-out."""
    came = b""
    while not came.endswith(end):
        more = one.recv(4096)
        assert more, came
        came += more


def is_gone(one: socket.socket) -> bool:
    """Tell whether a client was given up; fails where it is left waiting."""
    one.settimeout(GONE_WITHIN_S)
    try:
        answer = one.recv(4096)
    except ConnectionError:  # it has sent more meanwhile
        return True
    return not answer or answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\nonly this",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0000000000000000000099\r\n\r\nand this",
        CHUNKED + b"ff\r\n0\r\n\r\n",
        CHUNKED + b"0\r\nX: y\r\n",
        CHUNKED + LONG_TRAILERS,
        b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ],
    ids=[
        "silent",
        "head",
        "body",
        "zeros",
        "chunks",
        "trailers",
        "long trailers",
        "reading",
        "closing",
    ],
)
def test_who_is_slow_keeps_nobody_waiting(port: int, said: bytes) -> None:
    with clients(port, said):
        began = clock.monotonic()
        assert ask(port) == (200, b"nothing")
        assert clock.monotonic() - began < SOON_S


def test_what_comes_in_pieces_comes_whole(port: int) -> None:
    with clients(port, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le", 1) as (one,):
        for piece in (b"ngth: 10\r\n\r", b"\n01234", b"56789"):
            clock.sleep(0.05)
            one.sendall(piece)
        read_to(one, b"\r\n\r\n0123456789")
        one.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab")
        clock.sleep(0.05)
        one.sendall(b"c\r\n0\r\n\r\n")
        read_to(one, b"\r\n\r\nabc")


def test_two_requests_at_once_are_answered_one_after_the_other(port: int) -> None:
    second = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    with clients(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + second, 1) as (one,):
        read_to(one, b"nothing")
        one.sendall(b"abc")
        read_to(one, b"abc")


def test_a_head_without_an_end_is_refused(port: int) -> None:
    with clients(port, ENDLESS_HEAD, 1) as (one,):
        assert one.recv(4096).startswith(b"HTTP/1.1 431 ")


def test_trailers_without_an_end_are_refused(port: int) -> None:
    with clients(port, CHUNKED + LONG_TRAILERS, 1) as (one,):
        one.settimeout(SOON_S)
        assert one.recv(4096).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("second", [ENDLESS_HEAD, CHUNKED + LONG_TRAILERS])
def test_what_has_no_end_is_refused_behind_another_request_too(port: int, second: bytes) -> None:
    with clients(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + second, 1) as (one,):
        one.settimeout(SOON_S)
        came = b""
        while b"HTTP/1.1 431 " not in came:
            more = one.recv(4096)
            assert more, came
            came += more
        assert b"nothing" in came


def test_chunks_with_little_in_them_are_refused_when_they_are_more_than_we_take(port: int) -> None:
    chunk = b"1;" + b"x" * 4000 + b"\r\na\r\n"
    with clients(port, CHUNKED, 1) as (one,):
        with contextlib.suppress(ConnectionError):
            one.sendall(chunk * ((HEAD_BYTES_MAX + BODY_BYTES_MAX) // len(chunk) + 1))
        assert one.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_who_asks_whether_the_body_may_come_is_told_so(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with clients(port, head, 1) as (one,):
        one.settimeout(SOON_S)
        assert one.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.sendall(b"abc")
        read_to(one, b"\r\n\r\nabc")


def test_who_asks_so_behind_another_request_is_told_so_too(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    with clients(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + head, 1) as (one,):
        one.settimeout(SOON_S)
        read_to(one, b"nothingHTTP/1.1 100 Continue\r\n\r\n")
        one.sendall(b"abc")
        read_to(one, b"\r\n\r\nabc")


def test_at_the_limit_of_connections_the_oldest_goes_and_the_process_stays(
    tmp_path: Path,
) -> None:
    with serving(tmp_path, "--worker-connections", "12") as (port, log):
        for _ in range(5):
            with clients(port, b"GET / HTTP/1.1\r\nX", 30) as slow:
                for _ in range(20):
                    for one in slow:
                        with contextlib.suppress(OSError):
                            one.sendall(b"-")
                assert ask(port, within_s=GONE_WITHIN_S) == (200, b"nothing")
                assert is_gone(slow[0])
                slow[-1].setblocking(False)
                with pytest.raises(BlockingIOError):
                    slow[-1].recv(1)
        assert "Traceback" not in log.read_text()
        assert log.read_text().count("Booting worker with pid") == 1


def test_who_asks_for_much_at_once_has_it_done_a_few_at_a_time(tmp_path: Path) -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer greedy\r\n\r\n"
    with (
        serving(tmp_path, "--threads", str(AT_WORK_MAX + 1)) as (port, _),
        clients(port, slow, MANY) as greedy,
    ):
        clock.sleep(SLOW_S / 2)
        began = clock.monotonic()
        assert ask(port, who="Bearer calm") == (200, b"nothing")
        # A thread is free; behind all others it would have been a turn of each thread later.
        assert clock.monotonic() - began < SLOW_S
        for one in greedy:
            read_to(one, b"nothing")


def test_who_waits_for_an_outcome_keeps_nothing_else_of_its_own_waiting(tmp_path: Path) -> None:
    waits = b"GET /slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nPrefer: wait=5\r\n\r\n"
    with (
        serving(tmp_path, "--threads", str(2 * AT_WORK_MAX)) as (port, _),
        clients(port, waits, MANY),
    ):
        clock.sleep(SLOW_S / 2)
        began = clock.monotonic()
        assert ask(port, who="Bearer a") == (200, b"nothing")
        assert clock.monotonic() - began < SLOW_S


def test_at_the_limit_of_connections_who_has_the_most_in_line_makes_room(tmp_path: Path) -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer greedy\r\n\r\n"
    with (
        serving(tmp_path, "--threads", "4", "--worker-connections", "12") as (port, log),
        clients(port, slow, 14) as greedy,
    ):
        assert ask(port, who="Bearer calm", within_s=GONE_WITHIN_S) == (200, b"nothing")
        answers = [one.recv(4096) for one in greedy]
        sent_away = [answer.startswith(b"HTTP/1.1 503 ") for answer in answers]
        assert any(sent_away)
        assert not any(sent_away[: AT_WORK_MAX + 1])
        assert "Traceback" not in log.read_text()


def test_at_the_limit_of_connections_an_idle_one_makes_room(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--worker-connections", "6", "--keep-alive", "60") as (port, _),
        contextlib.ExitStack() as stack,
    ):
        for _ in range(8):
            # One after the other: what is at work or in line would be no idle one.
            (idle,) = stack.enter_context(clients(port, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1))
            read_to(idle, b"nothing")
        assert ask(port, within_s=GONE_WITHIN_S) == (200, b"nothing")


def test_a_large_answer_is_read_whole(port: int) -> None:
    assert ask(port, "/large") == (200, b"x" * LARGE)


def test_who_was_told_to_ask_less_often_is_answered_later_and_others_at_once(port: int) -> None:
    assert ask(port, "/often", who="Bearer greedy")[0] == 429
    clock.sleep(0.1)

    began = clock.monotonic()
    assert ask(port, who="Bearer calm")[0] == 200
    calm = clock.monotonic() - began
    assert ask(port, who="Bearer greedy")[0] == 200
    greedy = clock.monotonic() - began - calm

    assert greedy >= 0.9
    assert calm < greedy


def test_an_answer_to_nobody_in_particular_delays_nobody_else_at_its_address(port: int) -> None:
    assert ask(port, "/often")[0] == 429
    clock.sleep(0.1)

    began = clock.monotonic()
    assert ask(port)[0] == 200
    assert ask(port, who="Bearer calm")[0] == 200
    assert clock.monotonic() - began < PARKED_S


def test_an_address_that_asked_too_often_is_answered_later_whoever_asks(tmp_path: Path) -> None:
    with serving(tmp_path) as (port, _):
        assert ask(port, "/often-from-here", who="Bearer greedy")[0] == 429
        clock.sleep(0.1)

        began = clock.monotonic()
        assert ask(port, who="Bearer calm")[0] == 200
        assert clock.monotonic() - began >= 0.9 * PARKED_S


def test_an_address_that_asked_too_often_is_remembered_for_all_who_come_from_it() -> None:
    greedy = Greedy()
    greedy.note("10.0.0.1", "", seconds=5)
    greedy.note("10.0.0.2", "Bearer a", seconds=5)
    greedy.note("10.0.0.3", "Bearer a", seconds=0)

    assert greedy.has("10.0.0.1", "Bearer b")
    assert greedy.has("10.0.0.2", "Bearer a")
    assert not greedy.has("10.0.0.2", "Bearer b")
    assert not greedy.has("10.0.0.3", "Bearer a")
    assert greedy.has("10.0.0.2", "bearer   a ")


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\ncontent-length: 12\r\n\r\n0123456\r\n\r\n9",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\n0\r\n\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n",
    ],
)
def test_a_request_is_whole_at_its_last_byte_and_not_before(said: bytes) -> None:
    arriving = Arriving()
    for byte in said[:-1]:
        arriving.take(bytes([byte]))
        assert not arriving.whole
    arriving.take(said[-1:])
    assert arriving.whole


def test_what_says_that_it_is_larger_than_we_take_is_answered_without_its_body() -> None:
    arriving = Arriving()
    length = BODY_BYTES_MAX + 1
    arriving.take(f"POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode())
    assert arriving.whole


def test_a_length_with_more_digits_than_there_are_bytes_is_too_large() -> None:
    arriving = Arriving()
    arriving.take(b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 40 + b"\r\n\r\n")
    assert arriving.whole


def test_a_head_is_looked_at_in_one_pass() -> None:
    arriving = Arriving()
    blanks = b" " * (HEAD_BYTES_MAX - 100)
    began = clock.monotonic()
    arriving.take(b"GET / HTTP/1.1\r\nAuthorization: a" + blanks + b"b\r\n\r\n")
    assert arriving.whole
    assert not arriving.head_too_large
    assert arriving.who.startswith("a ")
    # In time that grows with the square of the blanks it was ten seconds, and nobody was served.
    assert clock.monotonic() - began < 0.5


@pytest.mark.parametrize("end", [b"", b"\r\n"])
def test_trailers_that_are_too_large_are_so_with_an_end_and_without(end: bytes) -> None:
    arriving = Arriving()
    arriving.take(CHUNKED + LONG_TRAILERS + end)
    assert arriving.whole is bool(end)
    assert arriving.fields_too_large


def test_a_chunks_size_that_does_not_end_is_left_to_the_parser() -> None:
    arriving = Arriving()
    arriving.take(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
    arriving.take(b"f" * (CHUNK_LINE_BYTES_MAX + 1))
    assert arriving.whole
