"""A burst of people who all want the same, and what each of them was told.

Half of the clients say their wish twice at once and once more after the answer, under the same
Idempotency-Key. Whoever hears 503 repeats it with the same key after Retry-After, for a while.
"""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shared import clock, ids

ANSWERED_WITHIN_S = 120.0
CLIENTS_MAX = 300
REST_S_MAX = 3.0
"""A connection that rested for longer is not used again: the server keeps it for five seconds."""
TRANSPORT = (OSError, http.client.HTTPException)


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer to one wish, with the times between which it was decided."""

    began: float
    ended: float
    status: int
    body: Any

    @property
    def code(self) -> str:
        """Return the problem's code; empty where there is none."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


@dataclass(kw_only=True)
class Wish:
    """What one person asks for, when, and all that it was told."""

    path: str
    token: str
    due: float
    body: Mapping[str, Any] = field(default_factory=dict)
    repeats: bool = False
    key: str = field(default_factory=ids.new_id)
    said: list[Said] = field(default_factory=list)
    busy: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    @property
    def answer(self) -> Said:
        """Return the first answer; it was decided after the first question and before it came."""
        first = min(self.said, key=lambda said: said.ended)
        began = min(said.began for said in self.said)
        return Said(began=began, ended=first.ended, status=first.status, body=first.body)

    @property
    def won(self) -> bool:
        """Tell whether the wish was granted."""
        return self.answer.status < 300

    @property
    def took_s(self) -> float:
        """Return how long after its time the wish was answered, waiting for a turn included."""
        return self.answer.ended - self.due


class Clients:
    """Connections to one service, one a thread, as people's programs keep them."""

    def __init__(self, url: str) -> None:
        self._address = str(urlsplit(url).netloc)
        self._mine = threading.local()

    def post(self, wish: Wish) -> Said:
        """Say a wish until it is answered with other than 503, or two minutes have gone by."""
        deadline = clock.monotonic() + ANSWERED_WITHIN_S
        began = clock.monotonic()
        while True:
            try:
                status, headers, body = self._once(wish)
            except TRANSPORT:
                # A connection kept for too long, mostly: the same wish, on a new one.
                status, headers, body = 0, {"retry-after": "0.1"}, {}
                self._mine.connection = None
            said = Said(began=began, ended=clock.monotonic(), status=status, body=body)
            if status not in (0, 503) or clock.monotonic() > deadline:
                with wish.guard:
                    wish.said.append(said)
                return said
            with wish.guard:
                wish.busy += status == 503
            clock.sleep(float(headers.get("retry-after", 0.5)))

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Mapping[str, str], Any]:
        """Ask once; return status, headers in lower case, and the answer's value."""
        connection = self._connection()
        known = {"Authorization": f"Bearer {token}"}
        if body is not None:
            known["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body)
        connection.request(method, f"/v1{path}", body=content, headers={**known, **(headers or {})})
        answer = connection.getresponse()
        said = answer.read()
        self._mine.used_at = clock.monotonic()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, json.loads(said or b"null")

    def _connection(self) -> http.client.HTTPConnection:
        kept: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        if kept is not None and clock.monotonic() - self._mine.used_at <= REST_S_MAX:
            return kept
        if kept is not None:
            kept.close()
        self._mine.connection = http.client.HTTPConnection(self._address, timeout=30)
        self._mine.used_at = clock.monotonic()
        made: http.client.HTTPConnection = self._mine.connection
        return made

    def _once(self, wish: Wish) -> tuple[int, Mapping[str, str], Any]:
        headers = {"Idempotency-Key": wish.key}
        return self.ask("POST", wish.path, token=wish.token, body=wish.body, headers=headers)


def play(
    url: str, wishes: Sequence[Wish], *, then: Callable[[Wish], None] | None = None
) -> list[Wish]:
    """Say all wishes at their times (seconds from now); return them, each with its answers.

    ``then`` is called with each wish after its first answer.
    """
    clients = Clients(url)
    start = clock.monotonic()
    errors: list[BaseException] = []

    def say(wish: Wish) -> None:
        clients.post(wish)

    def live(wish: Wish) -> None:
        try:
            clients.post(wish)
            if wish.repeats:
                clients.post(wish)
            if then is not None:
                then(wish)
        except BaseException as error:
            errors.append(error)
            raise

    for wish in wishes:
        wish.due += start
    with ThreadPoolExecutor(CLIENTS_MAX) as pool, ThreadPoolExecutor(CLIENTS_MAX) as twins:
        for wish in sorted(wishes, key=lambda wish: wish.due):
            pause = wish.due - clock.monotonic()
            if pause > 0:
                clock.sleep(pause)
            pool.submit(live, wish)
            if wish.repeats:
                twins.submit(say, wish)
    if errors:
        raise errors[0]
    return list(wishes)


def refused_while_free(
    wishes: Sequence[Wish], *, capacity: int, given_back: Mapping[str, float] | None = None
) -> list[Wish]:
    """Return the wishes refused though one was free during the whole time of their decision.

    One is taken at the latest when its winner asks (reserved counts as taken), and free again when
    whoever gives it back has been answered; ``given_back`` says when, by the wish's key.
    """
    given_back = given_back or {}
    steps = [(wish.answer.began, 1) for wish in wishes if wish.won]
    steps += [(given_back[wish.key], -1) for wish in wishes if wish.key in given_back]
    steps.sort()
    wrong = []
    for wish in wishes:
        if wish.won or wish.answer.status != 409:
            continue
        began, ended = wish.answer.began, wish.answer.ended
        taken = sum(step for at, step in steps if at <= began)
        most = taken
        for at, step in steps:
            if began < at <= ended:
                taken += step
                most = max(most, taken)
        if most < capacity:
            wrong.append(wish)
    return wrong


def told_two_things(wishes: Sequence[Wish]) -> list[Wish]:
    """Return the wishes that were told one thing and then another under one key."""
    return [wish for wish in wishes if len({_sense(said) for said in wish.said}) > 1]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _sense(said: Said) -> tuple[int, str]:
    """What an answer says; a repeated 202 shows its order as it is by then."""
    body = said.body if isinstance(said.body, dict) else {}
    named = body.get("order_id") or body.get("sign_up_id") or body.get("code") or ""
    return said.status, str(named)
