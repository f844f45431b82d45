"""Every route with everything that nobody should send: a clear problem, and nothing changed.

Made from the four OpenAPI documents and url maps, so a new route is covered without an edit.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import bson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo import MongoClient

from deploy.embedded.servers import MongoServer
from shared import clock, ids
from shared.auth import Grant, Role, issue
from tests.journeys.house import SERVICES, House

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

REGION = "430211"
UNKNOWN_ID = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
OPERATORS: list[Any] = [{"$ne": None}, {"$gt": ""}, {"$where": "1"}, [{"$regex": ".*"}]]
WRONG_TYPES: list[Any] = [{}, [], {"a": {"b": 1}}, True, -1, 1.5, "\x00", "a\x00b", 10**30]


@dataclass(frozen=True)
class Route:
    """One method of one path of one service, as its document shows it."""

    service: str
    method: str
    path: str
    roles: tuple[str, ...]
    body: dict[str, Any] | None
    query: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"

    def address(self, value: str = UNKNOWN_ID) -> str:
        """Return the path with every variable in it replaced."""
        return re.sub(r"\{[^}]*\}", value, self.path)


class Houses:
    """The four web apps on a database of their own, asked through Flask's client."""

    def __init__(self, house: House) -> None:
        self.house = house
        house.serve("volunteers")  # the others fetch its key set
        self.apps: dict[str, Flask] = {name: house.web_app(name) for name in SERVICES}
        keys = house.settings("volunteers", "bad-input").token_keys  # type: ignore[attr-defined]
        self._key = keys.current
        self._mongo: MongoClient[Any] = MongoClient(house.mongo.uri)

    def token(self, *roles: str, person: str = "01JAAAAAAAAAAAAAAAAAAAAAAA") -> dict[str, str]:
        """Return the header of a person with these roles in the district."""
        token = issue(
            person_id=person,
            number="430211000001",
            grants=[Grant(Role(role), REGION) for role in roles if role != "volunteer"],
            key=self._key,
            now=clock.real_now(),
            lifetime=timedelta(hours=1),
        )
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": ids.new_id()}

    def client(self, route: Route) -> FlaskClient:
        """Return a client of the route's service."""
        return self.apps[route.service].test_client()

    def routes(self) -> Iterator[Route]:
        """Yield every route of every service."""
        for service, app in self.apps.items():
            document = app.test_client().get("/openapi.json").get_json()
            for path, methods in document["paths"].items():
                for method, said in methods.items():
                    if method in ("get", "post", "put", "patch", "delete"):
                        yield _route(document, service, method, path, said, methods)

    def close(self) -> None:
        """Close all clients."""
        self.house.close()
        self._mongo.close()

    def digest(self) -> str:
        """Return a digest of everything that the four databases hold, but for who connected."""
        digest = hashlib.sha256()
        for service in SERVICES:
            database = self._mongo[f"{self.house.prefix}{service}"]
            for name in sorted(database.list_collection_names()):
                if name in ("sessions", "processes"):
                    continue
                rows = sorted(bson.encode(row) for row in database[name].find({}))
                digest.update(f"{service}.{name}:{len(rows)}".encode())
                for row in rows:
                    digest.update(row)
        return digest.hexdigest()


def _route(document: Any, service: str, method: str, path: str, said: Any, methods: Any) -> Route:
    content = said.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    given = [*methods.get("parameters", []), *said.get("parameters", [])]
    query = tuple(p["name"] for p in given if p.get("in") == "query")
    return Route(
        service=service,
        method=method.upper(),
        path=path,
        roles=tuple(said.get("x-roles", [])),
        body=_resolved(document, schema) if schema else None,
        query=query,
    )


def _resolved(document: Any, schema: Any) -> Any:
    if "$ref" in schema:
        return _resolved(document, document["components"]["schemas"][schema["$ref"].split("/")[-1]])
    return schema


@pytest.fixture(scope="module")
def houses(mongo: MongoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    house = House(mongo, None, tmp_path_factory.mktemp("bad-input"))
    houses = Houses(house)
    yield houses
    houses.close()


ALL_ROLES = [role.value for role in Role]


def refused(answer: Any, what: str) -> None:
    """Check that an answer is a problem of ours and leaks nothing."""
    assert 400 <= answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:300]}"
    assert answer.mimetype == "application/problem+json", f"{what}: {answer.mimetype}"
    problem = json.loads(answer.text)
    assert problem["type"].startswith("urn:gongxiang:problem:"), what
    assert problem["status"] == answer.status_code, what
    assert problem["title"], what
    for leak in ("Traceback", "pymongo", "werkzeug", "127.0.0.1", "marshmallow"):
        assert leak not in answer.text, f"{what}: {leak} in {answer.text[:300]}"


def test_nobody_comes_in_without_a_role_that_the_route_names(houses: Houses) -> None:
    before, asked = houses.digest(), 0
    for route in houses.routes():
        if not route.roles:
            continue
        client = houses.client(route)
        ask = partial(client.open, method=route.method, path=route.address(), json={})
        refused(ask(), f"{route} without a token")
        forged = {"Authorization": "Bearer a.b.c", "Idempotency-Key": "k"}
        assert ask(headers=forged).status_code == 401, str(route)
        for role in ALL_ROLES:
            if role not in route.roles and "volunteer" not in route.roles:
                answer = ask(headers=houses.token(role))
                assert answer.status_code == 403, f"{route} as {role}: {answer.status_code}"
                asked += 1
    assert asked > 50
    assert houses.digest() == before


def test_bodies_that_cannot_be_meant_change_nothing(houses: Houses) -> None:
    before, asked = houses.digest(), 0
    for route in houses.routes():
        if route.method not in ("POST", "PUT", "PATCH") or route.body is None:
            continue
        client = houses.client(route)

        def send(
            what: str, *, route: Route = route, client: FlaskClient = client, **body: Any
        ) -> None:
            headers = houses.token(*ALL_ROLES) | {"If-Match": '"x"'}
            answer = client.open(method=route.method, path=route.address(), headers=headers, **body)
            refused(answer, f"{route} {what}")

        as_json = "application/json"
        send("not JSON", data=b"{", content_type=as_json)
        send("not UTF-8", data=b'{"a": "\xff"}', content_type=as_json)
        send("an array", data=b"[]", content_type=as_json)
        send("NaN", data=b'{"a": NaN}', content_type=as_json)
        send("too deep", data=b'{"a":' * 2000 + b"1" + b"}" * 2000, content_type=as_json)
        send("too large", data=json.dumps({"a": "x" * 70_000}), content_type=as_json)
        send("another type", data=b"a=b", content_type="application/x-www-form-urlencoded")
        send("an unknown field", json={"unheard_of": 1})
        asked += 8
        for name in route.body.get("properties", {}):
            for value in [*OPERATORS, *WRONG_TYPES]:
                send(f"{name}={value!r:.40}", json={name: value, "unheard_of": 1})
                asked += 1
        if route.body.get("required"):
            send("nothing", json={})
    assert asked > 500
    assert houses.digest() == before


def test_each_field_alone_refuses_operators_and_wrong_types(houses: Houses) -> None:
    """As above, without the unknown field: here each field's own check is what refuses."""
    before, asked = houses.digest(), 0
    for route in houses.routes():
        if route.method not in ("POST", "PUT", "PATCH") or route.body is None:
            continue
        client = houses.client(route)
        for name in route.body.get("properties", {}):
            for value in [*OPERATORS, "\x00", 10**30]:
                answer = client.open(
                    method=route.method,
                    path=route.address(),
                    headers=houses.token(*ALL_ROLES) | {"If-Match": '"x"'},
                    json={name: value},
                )
                refused(answer, f"{route} {name}={value!r:.40}")
                problem = json.loads(answer.text)
                assert answer.status_code == 400 or name in problem.get("errors", {}), (
                    f"{route} {name}={value!r:.40}: {problem}"
                )
                asked += 1
    assert asked > 150
    assert houses.digest() == before


def test_ids_and_queries_that_cannot_be_meant_change_nothing(houses: Houses) -> None:
    before, asked = houses.digest(), 0
    odd = ["%00", "a%00b", "%7B%22%24ne%22%3Anull%7D", "..%2f..", "x" * 200, "a:b", "%ff"]
    for route in houses.routes():
        client = houses.client(route)
        headers = houses.token(*ALL_ROLES)
        if "{" in route.path:
            for value in odd:
                answer = client.open(
                    method=route.method, path=route.address(value), headers=headers, json={}
                )
                refused(answer, f"{route} with the id {value}")
                asked += 1
        for name in route.query:
            for value in ("%00", "a%00b", "x" * 5000):
                answer = client.open(
                    method=route.method,
                    path=f"{route.address()}?{name}={value}",
                    headers=headers,
                )
                refused(answer, f"{route}?{name}={value[:20]}")
                asked += 1
        if route.method == "GET" and route.query:
            answer = client.open(
                method="GET", path=f"{route.address()}?unheard_of=1", headers=headers
            )
            refused(answer, f"{route}?unheard_of")
    assert asked > 100
    assert houses.digest() == before


def test_every_post_that_moves_something_wants_a_key(houses: Houses) -> None:
    before, asked = houses.digest(), 0
    for route in houses.routes():
        parameters = houses.apps[route.service].test_client().get("/openapi.json").get_json()
        said = parameters["paths"][route.path][route.method.lower()].get("parameters", [])
        if {"$ref": "#/components/parameters/IDEMPOTENCY_KEY"} not in said:
            continue
        headers = houses.token(*ALL_ROLES)
        del headers["Idempotency-Key"]
        answer = houses.client(route).open(
            method=route.method, path=route.address(), headers=headers, json={}
        )
        refused(answer, f"{route} without a key")
        asked += 1
    assert asked > 15
    assert houses.digest() == before


def test_someone_elses_things_are_not_there(houses: Houses, tmp_path: Path) -> None:
    """An id that does not exist and one that is another's look the same: 404."""
    for route in houses.routes():
        if route.method == "GET" and "{" in route.path and route.roles:
            answer = houses.client(route).open(
                method="GET", path=route.address(), headers=houses.token("volunteer")
            )
            assert answer.status_code in (403, 404, 422), f"{route}: {answer.status_code}"
