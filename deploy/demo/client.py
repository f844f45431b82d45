"""The HTTP client of a person's program: keeps its connection, and never asks twice for one thing.

Every POST carries an Idempotency-Key. Where a service is busy (503), asks to slow down (429) or
the connection breaks, the same request is repeated with the same key, so that whatever had
happened is answered and not done again. Waiting for an outcome is the server's work
(``Prefer: wait``); nothing here asks in a loop whether something is done yet.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import requests
from urllib3 import encode_multipart_formdata

from deploy.demo.acknowledged import Acknowledged
from shared import clock, ids

ANSWER_WITHIN_S = 60.0
"""Repeats end here: a service that answers nobody for a minute is down."""
REQUEST_TIMEOUT_S = 20.0
PAUSE_S = 0.3
WAIT_S = 5

Body = dict[str, Any]


class Refused(Exception):
    """The service said no: ``code`` is the problem's, e.g. ``out-of-stock``."""

    def __init__(self, code: str, status: int, problem: Mapping[str, Any], request: str) -> None:
        detail = problem.get("detail") or problem.get("title") or ""
        super().__init__(
            f"{request}: {status} {code} {detail} {problem.get('errors') or ''}".strip()
        )
        self.code = code
        self.status = status


class Broken(Exception):
    """The service failed, or did not answer in time: no part of any plan."""


@dataclass(frozen=True, kw_only=True)
class Token:
    """Who asks, to the services."""

    access: str
    refresh: str
    volunteer_id: str


class Service:
    """One service's API as the programs of people use it; safe to share between threads."""

    def __init__(self, name: str, url: str, *, over: threading.Event, told: Acknowledged) -> None:
        self.name = name
        self._url = url
        self._over = over
        self._told = told
        self._mine = threading.local()

    def get(
        self, path: str, *, by: Token | None = None, params: Mapping[str, str] | None = None
    ) -> Body:
        """Return the resource; raise `Refused` where it is not there for this person."""
        return self._ask("GET", path, by=by, params=params)

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        by: Token | None = None,
        key: str | None = None,
        wait: bool = False,
        form: Mapping[str, Any] | None = None,
    ) -> Body:
        """Create or move something once, whatever happens on the way; raise `Refused` for a no.

        ``form`` is sent as multipart/form-data; a file in it is (name, bytes, media type).
        """
        key = key or ids.new_id()
        headers = {"Idempotency-Key": key}
        if wait:
            headers["Prefer"] = f"wait={WAIT_S}"
        # The same bytes at every repeat, or the key would stand for something else: so the boundary
        # of a form is the key.
        if form is None:
            content, headers["Content-Type"] = json.dumps(body or {}).encode(), "application/json"
        else:
            content, headers["Content-Type"] = encode_multipart_formdata(form, key)
        return self._ask("POST", path, by=by, headers=headers, data=content)

    def settle(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        by: Token,
        key: str,
        done: Callable[[Body], bool],
        form: Mapping[str, Any] | None = None,
        seen: Callable[[Body], None] | None = None,
    ) -> Body:
        """Post, and return when the outcome is known; the server does the waiting, 5 s a time.

        ``seen`` is shown every answer; the wait goes on for as long as they differ.
        """
        last: Body | None = None
        while True:
            answer = self.post(path, body, by=by, key=key, wait=True, form=form)
            if seen is not None:
                seen(answer)
            if done(answer):
                return answer
            if answer != last:
                last, deadline = answer, clock.monotonic() + ANSWER_WITHIN_S
            if clock.monotonic() > deadline:
                raise Broken(
                    f"{self.name} {path}: no outcome within {ANSWER_WITHIN_S:.0f} s: {answer}"
                )

    def pages(self, path: str, *, by: Token | None, params: Mapping[str, str]) -> list[Body]:
        """Return the items of all pages of a list."""
        items: list[Body] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(path, by=by, params={"limit": "100", **params, **cursor})
            items += page["items"]
            if not page.get("next"):
                return items
            cursor = {"after": page["next"]}

    def _ask(
        self,
        method: str,
        path: str,
        *,
        by: Token | None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> Body:
        request = f"{method} {self.name}{path}"
        known = {"Authorization": f"Bearer {by.access}"} if by else {}
        deadline = clock.monotonic() + ANSWER_WITHIN_S
        trouble = ""
        while clock.monotonic() < deadline and not self._over.is_set():
            try:
                answer = self._session.request(
                    method,
                    f"{self._url}/v1{path}",
                    headers={**known, **(headers or {})},
                    timeout=REQUEST_TIMEOUT_S,
                    **content,
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                trouble = type(error).__name__
                self._over.wait(PAUSE_S)
                continue
            if answer.status_code in (429, 503) or (
                method == "GET" and answer.status_code == 202 and "Retry-After" in answer.headers
            ):
                trouble = f"{answer.status_code} {_problem(answer).get('code', '')}"
                self._over.wait(float(answer.headers.get("Retry-After", PAUSE_S)))
                continue
            self._note(method, path, headers, answer)
            return _body(answer, request)
        raise Broken(f"{request}: no answer within {ANSWER_WITHIN_S:.0f} s, last {trouble}")

    def _note(
        self, method: str, path: str, headers: Mapping[str, str] | None, answer: requests.Response
    ) -> None:
        if headers and answer.status_code < 500:
            self._told.note(
                service=self.name,
                method=method,
                path=f"/v1{path}",
                key=headers["Idempotency-Key"],
                status=answer.status_code,
                body=json.loads(answer.content or b"null"),
            )

    @property
    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._mine, "session", None)
        if session is None:
            session = self._mine.session = requests.Session()
            # Our own loopback servers only: no proxy, no .netrc of this machine.
            session.trust_env = False
        return session


@dataclass(frozen=True, kw_only=True)
class Services:
    """The four APIs."""

    volunteers: Service
    activities: Service
    ledger: Service
    store: Service

    @classmethod
    def at(cls, urls: Mapping[str, str], *, over: threading.Event, told: Acknowledged) -> Services:
        """Return the clients of the services at these addresses; once ``over``, they give up."""
        return cls(**{name: Service(name, url, over=over, told=told) for name, url in urls.items()})


def _body(answer: requests.Response, request: str) -> Body:
    if answer.ok:
        return json.loads(answer.content) if answer.content else {}
    problem = _problem(answer)
    if answer.status_code < 500 and "code" in problem:
        raise Refused(str(problem["code"]), answer.status_code, problem, request)
    raise Broken(f"{request}: {answer.status_code} {answer.text[:300]}")


def _problem(answer: requests.Response) -> Body:
    try:
        problem = json.loads(answer.content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
