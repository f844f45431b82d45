"""gunicorn's threads, given a request only when all of it has come.

gthread itself gives a connection to a thread as soon as it is there: as many clients as there are
threads, each sending a byte now and then, keep everybody else out. Here the worker's loop gathers a
request, head and body, and a thread reads it from memory; what has not come within ten seconds is
given up. What a thread answers goes into the socket's buffer, and a client that takes longer than
ten seconds for what does not fit there is given up too. So slow clients cost memory, which is
bounded, and never a thread. Who was sent away lingers beside the others, while gthread lets all
wait for each. And who was told to ask less often (429) is handed over a second later, each time,
until Retry-After is over: the answer is the same, and costs others nothing.

Nobody has more than a few requests at work, the rest stands in line: what threads do at once they
do by turns on one core, so who asks for thirty things at once would make everybody wait thirty
times as long.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from http import HTTPStatus
from itertools import takewhile
from operator import itemgetter
from typing import Any

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker

from deploy.web_worker.arriving import Arriving
from deploy.web_worker.greedy import Greedy, caller
from deploy.web_worker.turns import REST_S, Turns
from shared import clock

ARRIVES_WITHIN_S = 10.0
ANSWERED_WITHIN_S = 10.0
LINGERS_S = 2.0
DRAIN_S = 0.05
PARKED_S = 1.0
AT_WORK_MAX = 2
"""Of one person, at one address."""
ANONYMOUS_SHARE = 2
"""Who did not sign in may be many people at one address: half of the threads is theirs."""
HELD_BYTES_MAX = 128 * 1024 * 1024
ANSWER_BYTES_KEPT = 2 * 1024 * 1024
"""Of one connection, as far as the kernel allows; it takes only what is really waiting."""
READ_BYTES = 64 * 1024
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""To who asks whether the body may come: it is gathered before anybody looks at the head."""


class GatheringWorker(ThreadWorker):  # type: ignore[misc]
    """gthread whose threads never wait for a client's bytes. TLS ends in front of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._requests: dict[Any, Arriving] = {}
        self._handed_over: dict[Any, int] = {}
        self._held_bytes = 0
        # Connections and when their wait is over; all of a kind wait equally long, so in order.
        self._arriving: dict[Any, float] = {}
        self._parked: dict[Any, float] = {}
        self._lingering: dict[Any, float] = {}
        self._greedy = Greedy()
        self._turns = Turns()

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection; the last that there is room for costs another one its place."""
        super().accept(listener)
        if self.nr_conns >= self.worker_connections:
            self._make_room()

    def enqueue_req(self, conn: Any) -> None:
        """Gather the connection's next request, and only then give it to a thread."""
        self._requests[conn] = request = Arriving()
        conn.data_ready = True
        if conn.parser is None:
            with contextlib.suppress(OSError):
                conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_BYTES_KEPT)
        else:
            request.take(conn.parser.unreader.take_buffered())
            self._held_bytes += len(request.came)
        conn.sock.setblocking(False)
        if (not request.came or self._look(conn)) and self._read(conn):
            self._arriving[conn] = clock.monotonic() + ARRIVES_WITHIN_S
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_more, conn))

    def murder_pending(self) -> None:
        """Do what is due: give up, hand over, let go."""
        super().murder_pending()
        now = clock.monotonic()
        for conn in _due(self._arriving, now):
            self._give_up(conn)
        for conn in _due(self._parked, now):
            self._in_turn(self._unpark(conn))
        for conn in _due(self._lingering, now):
            self._let_go(conn)
        self._hand_over(self._turns.rested(now=now))

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for events, and no longer than somebody rests."""
        longest = REST_S if self._turns.anyone_rests else timeout
        super().wait_for_and_dispatch_events(min(timeout, longest))

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Keep the connection for its next request, or send its client away and linger."""
        self._held_bytes -= self._handed_over.pop(conn, 0)
        self._hand_over(self._turns.done(conn, now=clock.monotonic()))
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_last, conn))
        except (OSError, ValueError, KeyError):
            self._close(conn)
        else:
            self._lingering[conn] = clock.monotonic() + LINGERS_S

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request; who does not take the answer in time is given up."""
        conn.sock.settimeout(ANSWERED_WITHIN_S)
        try:
            return super().handle_request(req, conn)
        except TimeoutError:
            raise StopIteration from None

    def note_answer(self, environ: Mapping[str, Any], answer: Any) -> None:
        """Remember who was told to ask less often, and until when."""
        if answer is None or answer.status_code != HTTPStatus.TOO_MANY_REQUESTS:
            return
        headers = {name.lower(): value for name, value in answer.headers}
        all_of_it = headers.get("x-limited") == "address"
        who = environ.get("HTTP_AUTHORIZATION", "").strip()
        if not all_of_it and not who:
            return  # one of many at this address: a telephone's limit is nobody else's
        self._greedy.note(
            environ.get("REMOTE_ADDR", ""),
            "" if all_of_it else who,
            seconds=float(headers.get("retry-after", PARKED_S)),
        )

    def _keepalive_after(self, conn: Any, keepalive: Any) -> bool:
        """Tell whether the connection is good for another request; nobody waits for a rest."""
        deadline = clock.monotonic() + DRAIN_S
        return bool(keepalive and conn.parser.finish_body(deadline=deadline))

    def _on_more(self, conn: Any, sock: socket.socket) -> None:
        if conn not in self._arriving:
            return  # given up a moment ago, while this waited behind it
        if not self._read(conn):
            del self._arriving[conn]
            self.poller.unregister(sock)

    def _read(self, conn: Any) -> bool:
        """Take what is there; tell whether there is more to wait for."""
        request = self._requests[conn]
        try:
            data = conn.sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            data = b""
        if not data:
            self._drop(conn)
            return False
        request.take(data)
        self._held_bytes += len(data)
        return self._look(conn)

    def _look(self, conn: Any) -> bool:
        """Do what is to be done about what came; tell whether there is more to wait for."""
        request = self._requests[conn]
        whole = request.whole
        if request.fields_too_large:
            self._drop(conn, 431, "Request Header Fields Too Large")
        elif whole:
            self._came(conn)
        elif request.too_large:
            self._drop(conn, 413, "Content Too Large")
        elif self._held_bytes > HELD_BYTES_MAX:
            self._send_away(conn)
        else:
            if request.expects_continue:
                request.expects_continue = False
                with contextlib.suppress(OSError):
                    conn.sock.send(CONTINUE)
            return True
        return False

    def _came(self, conn: Any) -> None:
        if self._greedy.has(conn.client[0], self._requests[conn].who):
            self._parked[conn] = clock.monotonic() + PARKED_S
        else:
            self._in_turn(conn)

    def _in_turn(self, conn: Any) -> None:
        who = self._requests[conn].who
        at_once = AT_WORK_MAX if who else max(AT_WORK_MAX, self.cfg.threads // ANONYMOUS_SHARE)
        # Who waits for an outcome works on nothing: it is no reason to let the rest stand in line.
        whose = caller(conn.client[0], who), self._requests[conn].waits
        self._hand_over(self._turns.come(conn, whose, at_once=at_once, rests=bool(who)))

    def _make_room(self) -> None:
        """Let one go of whom there are the most: slow, in line, told to wait, idle, sent away."""
        room: list[tuple[int, Callable[[], None]]] = [
            (len(self._arriving), lambda: self._give_up(next(iter(self._arriving)))),
            (self._turns.longest, lambda: self._send_away(self._turns.leave())),
            (len(self._parked), lambda: self._send_away(self._unpark(next(iter(self._parked))))),
            (len(self.keepalived_conns), self._let_idle_go),
            (len(self._lingering), lambda: self._let_go(next(iter(self._lingering)))),
        ]
        how_many, go = max(room, key=itemgetter(0))
        if how_many:
            go()

    def _unpark(self, conn: Any) -> Any:
        del self._parked[conn]
        return conn

    def _send_away(self, conn: Any) -> None:
        self._drop(conn, 503, "Service Unavailable")

    def _let_idle_go(self) -> None:
        conn = self.keepalived_conns.popleft()
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _hand_over(self, conns: Iterable[Any]) -> None:
        for conn in conns:
            request = self._forget(conn)
            # It goes on to take memory until it is answered, however long it waits for a thread.
            self._handed_over[conn] = len(request.came)
            self._held_bytes += len(request.came)
            conn.init()
            conn.parser.unreader.unread(bytes(request.came))
            super().enqueue_req(conn)

    def _give_up(self, conn: Any) -> None:
        del self._arriving[conn]
        self.poller.unregister(conn.sock)
        self._drop(conn, 408, "Request Timeout")

    def _drop(self, conn: Any, status: int = 0, reason: str = "") -> None:
        if self._forget(conn).came and status:
            with contextlib.suppress(OSError):
                util.write_error(conn.sock, status, reason, "")
        self._close(conn)

    def _forget(self, conn: Any) -> Arriving:
        request = self._requests.pop(conn)
        self._held_bytes -= len(request.came)
        return request

    def _on_last(self, conn: Any, sock: socket.socket) -> None:
        """Read what a client still sends, so that it sees the answer and no reset."""
        try:
            over = not sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            over = False
        except OSError:
            over = True
        if over:
            self._let_go(conn)

    def _let_go(self, conn: Any) -> None:
        del self._lingering[conn]
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _close(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def _due(waits: Mapping[Any, float], now: float) -> list[Any]:
    """Return whose wait is over; the waits are in order."""
    return [conn for conn, _ in takewhile(lambda wait: wait[1] <= now, waits.items())]
