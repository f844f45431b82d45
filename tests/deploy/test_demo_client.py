"""The demo's HTTP client: one wish, one key, however often it has to be said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy.demo.acknowledged import Acknowledged
from deploy.demo.client import Broken, Refused, Service, Token

ADA = Token(access="ada", refresh="", volunteer_id="ada")


class Scripted:
    """A server that answers what it was told to, in order, and notes what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], object]] = []
        self.asked: list[tuple[str, bytes]] = []
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                scripted.asked.append((self.headers["Idempotency-Key"], body))
                status, headers, answer = scripted.answers.pop(0)
                if not status:
                    self.close_connection = True
                    return
                content = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.server.shutdown()
    scripted.server.server_close()


def service_at(url: str, over: threading.Event | None = None) -> Service:
    return Service("store", url, over=over or threading.Event(), told=Acknowledged())


def test_what_was_busy_or_broke_is_asked_again_with_the_same_key(server):
    server.answers = [
        (503, {"Retry-After": "0"}, {"code": "busy"}),
        (0, {}, None),
        (429, {"Retry-After": "0"}, {"code": "too-many-requests"}),
        (201, {}, {"order_id": "o"}),
    ]

    assert service_at(server.url).post("/orders", {"pieces": 1}, by=ADA) == {"order_id": "o"}

    assert len(server.asked) == 4
    assert len(set(server.asked)) == 1


def test_an_outcome_is_waited_for_with_the_same_bytes_also_of_a_form(server):
    server.answers = [(202, {}, {"done": False}), (202, {}, {"done": True})]

    answer = service_at(server.url).settle(
        "/imports",
        form={"file": ("a.csv", b"title\n", "text/csv")},
        by=ADA,
        key="k",
        done=lambda answer: answer["done"],
    )

    assert answer == {"done": True}
    assert len(set(server.asked)) == 1


def test_a_refusal_is_told_by_its_code_and_not_asked_again(server):
    server.answers = [(409, {}, {"code": "out-of-stock", "title": "Out of stock"})]

    with pytest.raises(Refused) as told:
        service_at(server.url).post("/orders", by=ADA)

    assert told.value.code == "out-of-stock"
    assert len(server.asked) == 1


def test_a_failure_is_no_refusal(server):
    server.answers = [(500, {}, {"code": "unexpected"})]

    with pytest.raises(Broken):
        service_at(server.url).post("/orders", by=ADA)


def test_once_the_day_is_over_nobody_goes_on_asking(server):
    over = threading.Event()
    over.set()

    with pytest.raises(Broken):
        service_at(server.url, over).post("/orders", by=ADA)

    assert server.asked == []
