"""The clients of the load: like the demo's, and every exchange is written down."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests

from deploy.demo.acknowledged import Acknowledged
from deploy.demo.client import Body, Refused, Service, Services, Token
from shared import clock, ids
from tests.faults.history.entries import OK, REFUSED, UNKNOWN, Entry, History

SLOW_DOWN = 429


class GaveUp(Exception):
    """The client lost patience with a request: it does not know the outcome."""


@dataclass
class Manners:
    """How often clients give up where they would repeat, and repeat what they know already."""

    seed: str = ""
    give_up: float = 0.0
    say_again: float = 0.0


class RecordingSession(requests.Session):
    """A connection that notes what went over it."""

    def __init__(self, service: RecordingService) -> None:
        super().__init__()
        self._service = service

    def request(self, method: str, url: str, **how: Any) -> requests.Response:  # type: ignore[override]
        began = clock.monotonic()
        try:
            answer = super().request(method, url, **how)
        except requests.RequestException as error:
            self._note(method, url, how, began, None)
            # Cut in the middle of an answer is cut, too.
            raise requests.ConnectionError(type(error).__name__) from error
        self._note(method, url, how, began, answer)
        return answer

    def _note(
        self,
        method: str,
        url: str,
        how: Mapping[str, Any],
        began: float,
        answer: requests.Response | None,
    ) -> None:
        self._service.note(method, url, how, began, answer)
        if _outcome(method, answer) == UNKNOWN and (
            self._service.dice.random() < self._service.manners.give_up
        ):
            raise GaveUp(f"{method} {url}")


class RecordingService(Service):
    """One service's API, asked by clients who write everything down."""

    def __init__(
        self, name: str, url: str, *, history: History, manners: Manners, over: threading.Event
    ) -> None:
        super().__init__(name, url, over=over, told=Acknowledged())
        self.history = history
        self.manners = manners
        self._asking = threading.local()

    @property
    def dice(self) -> random.Random:
        """This client's own, by its thread's name."""
        if not hasattr(self._asking, "dice"):
            who = f"{self.manners.seed}:{self.name}:{threading.current_thread().name}"
            self._asking.dice = random.Random(who)
        dice: random.Random = self._asking.dice
        return dice

    def post(self, path: str, body: Any = None, **how: Any) -> Body:
        """Ask once; and now and then once more under the same key, though it was answered."""
        how["key"] = how.get("key") or ids.new_id()
        try:
            return super().post(path, body, **how)
        finally:
            if self.dice.random() < self.manners.say_again:
                self._say_again(path, body, how)

    def patch(self, path: str, body: Mapping[str, Any], *, by: Token, revision: int) -> Body:
        """Change what one has seen at a revision; raise `Refused` where it is another by now."""
        self._asking.wish = ids.new_id()
        headers = {"If-Match": f'"{revision}"', "Content-Type": "application/json"}
        return self._ask("PATCH", path, by=by, headers=headers, data=json.dumps(body).encode())

    def note(
        self,
        method: str,
        url: str,
        how: Mapping[str, Any],
        began: float,
        answer: requests.Response | None,
    ) -> None:
        """Write one exchange down."""
        headers = how.get("headers") or {}
        query = f"?{urlencode(how['params'])}" if how.get("params") else ""
        wish = headers.get("Idempotency-Key", "")
        self.history.note(
            Entry(
                service=self.name,
                method=method,
                path=url.removeprefix(f"{self._url}/v1") + query,
                wish=self._asking.wish if method == "PATCH" else wish,
                who=self._asking.by.volunteer_id if self._asking.by else None,
                asked=_json(how.get("data")),
                tag=headers.get("If-Match", "").strip('"'),
                began=began,
                ended=clock.monotonic(),
                outcome=_outcome(method, answer),
                status=None if answer is None else answer.status_code,
                replayed=answer is not None and "Idempotency-Replayed" in answer.headers,
                body=None if answer is None else _json(answer.content),
            )
        )

    def _say_again(self, path: str, body: Any, how: dict[str, Any]) -> None:
        try:
            super().post(path, body, **how)
        except (Refused, GaveUp):
            return  # noted, and held against the first answer

    def _ask(self, method: str, path: str, *, by: Token | None, **how: Any) -> Body:
        self._asking.by = by
        return super()._ask(method, path, by=by, **how)

    def _note(self, method: str, path: str, headers: Any, answer: requests.Response) -> None:
        """What was told is in the history already."""

    @property
    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._mine, "session", None)
        if session is None:
            session = self._mine.session = RecordingSession(self)
            session.trust_env = False
        return session


def recording_services(
    urls: Mapping[str, str], *, history: History, manners: Manners, over: threading.Event
) -> Services:
    """Return clients of the services who write into one history; once ``over``, they give up."""
    return Services(
        **{
            name: RecordingService(name, url, history=history, manners=manners, over=over)
            for name, url in urls.items()
        }
    )


def _outcome(method: str, answer: requests.Response | None) -> str:
    if answer is None or answer.status_code >= 500 or answer.status_code == SLOW_DOWN:
        return UNKNOWN
    if not answer.ok:
        return REFUSED
    not_yet = method == "GET" and answer.status_code == 202
    return UNKNOWN if not_yet else OK


def _json(content: bytes | None) -> Any:
    try:
        return json.loads(content or b"{}")
    except ValueError:
        return {}
