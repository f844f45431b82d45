"""Slow and greedy clients, and what a calm one notices of them.

python -m tests.performance.floods KIND HOST:PORT TOKEN     runs until it is ended

A process of their own, at an address of their own, so that who measures beside them is not kept
from measuring by them.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from itertools import cycle

from shared import clock

FLOODS_FROM, CALM_FROM = "127.0.0.3", "127.0.0.2"
SLOW_CLIENTS = 64
GREEDY_CLIENTS = 32
DRIP_S = 0.5
PAUSE_S = 0.02
KINDS = ("slow-head", "slow-body", "slow-reader", "never-closing", "greedy", "greedy-anew")


@contextlib.contextmanager
def flood(kind: str, address: str, *, token: str, path: str) -> Iterator[None]:
    """Let clients of a kind be at it while what is inside runs."""
    command = [sys.executable, "-m", "tests.performance.floods", kind, address, token, path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield
            assert process.poll() is None, "the flood ended by itself"
        finally:
            process.kill()


def calm(address: str, path: str, *, tokens: Sequence[str], times: int) -> list[float]:
    """Return the seconds that each of so many GETs by calm people took; all must be answered."""
    connection = _connection(address, CALM_FROM)
    took = []
    for _, token in zip(range(times), cycle(tokens), strict=False):
        began = clock.monotonic()
        try:
            status = _get(connection, path, token)
        except (http.client.HTTPException, ConnectionError):
            # Kept alive for longer than the server keeps it.
            connection.close()
            status = _get(connection, path, token)
        took.append(clock.monotonic() - began)
        assert status == 200, status
        clock.sleep(PAUSE_S)
    connection.close()
    return took


def main(kind: str, address: str, token: str, path: str) -> None:
    """Be that kind of client until killed."""
    host, _, port = address.partition(":")
    where = (host, int(port))
    print("ready", flush=True)
    if kind.startswith("greedy"):
        greedy = [
            threading.Thread(target=_ask_and_ask, args=(address, token, path, kind), daemon=True)
            for _ in range(GREEDY_CLIENTS)
        ]
        for thread in greedy:
            thread.start()
        greedy[0].join()
    _be_slow(kind, where, token, path)


def _ask_and_ask(address: str, token: str, path: str, kind: str) -> None:
    connection = _connection(address, FLOODS_FROM)
    while True:
        try:
            _get(connection, path, token)
            if kind == "greedy-anew":
                connection.close()
        except (OSError, http.client.HTTPException):
            connection.close()


def _be_slow(kind: str, where: tuple[str, int], token: str, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
    begin, drip = {
        "slow-head": (head, "X-A: b\r\n"),
        "slow-body": (
            head.replace("GET", "POST", 1)
            + "Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n{",
            " ",
        ),
        "slow-reader": ((head + "\r\n") * 500, ""),
        "never-closing": (head + "Connection: close\r\n\r\n", ""),
    }[kind]
    sockets: list[socket.socket] = []
    while True:
        while len(sockets) < SLOW_CLIENTS:
            with contextlib.suppress(OSError):
                sockets.append(_slow_socket(where, begin))
        clock.sleep(DRIP_S)
        for one in list(sockets):
            try:
                if drip:
                    one.sendall(drip.encode())
                elif kind == "slow-reader":
                    one.recv(1)
                elif _over(one):
                    one.close()
                    sockets.remove(one)
            except OSError:
                one.close()
                sockets.remove(one)


def _slow_socket(where: tuple[str, int], begin: str) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    one.settimeout(2)
    one.bind((FLOODS_FROM, 0))
    one.connect(where)
    one.sendall(begin.encode())
    one.settimeout(0.01)
    return one


def _over(one: socket.socket) -> bool:
    """Tell whether the server has closed; what it answered is read and thrown away."""
    try:
        while one.recv(4096):
            pass
    except TimeoutError:
        return False
    return False  # it has, and waits for us to close too: never


def _connection(address: str, source: str) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(address, timeout=30, source_address=(source, 0))


def _get(connection: http.client.HTTPConnection, path: str, token: str) -> int:
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


if __name__ == "__main__":
    main(*sys.argv[1:])
