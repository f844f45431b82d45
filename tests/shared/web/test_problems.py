"""Whatever comes in, the answer is a problem in our words, and nothing changes."""

from __future__ import annotations

import builtins
import contextlib
import io
import json
from typing import Any

import jwt
import marshmallow.exceptions
import pymongo.errors
import pytest
import werkzeug.exceptions

from shared import auth
from shared.auth import Grant, Role
from shared.errors import Alarm, Busy, Invalid, NotAllowed, NotThere, Refusal
from tests.shared.web.conftest import DISTRICT, TROUBLES, Shop

pytestmark = pytest.mark.servers


def problem_of(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), (
        answer.data
    )
    body: dict[str, Any] = json.loads(answer.data)
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:gongxiang:problem:{code}"
    assert body["title"].split(" · ")[1]
    return body


def test_a_field_that_is_wrong_is_named(shop: Shop) -> None:
    wrong = [
        ({}, "pieces"),
        ({"pieces": "x"}, "pieces"),
        ({"pieces": 0}, "pieces"),
        ({"pieces": 1.5}, "pieces"),
        ({"pieces": True}, "pieces"),
        ({"pieces": None}, "pieces"),
        ({"pieces": {"$ne": None}}, "pieces"),
        ({"pieces": [1]}, "pieces"),
        ({"pieces": 1, "note": {"$gt": ""}}, "note"),
        ({"pieces": 1, "note": "x" * 21}, "note"),
        ({"pieces": 1, "note": "  "}, "note"),
        ({"pieces": 1, "note": "a\u0007"}, "note"),
        ({"pieces": 1, "price": 1}, "price"),
        ({"pieces": 1, "_id": "1"}, "_id"),
        ({"pieces": 1, "starts_at": "2026-11-22T09:00:00"}, "starts_at"),
        ({"pieces": 1, "starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
        ({"pieces": 1, "starts_at": 5}, "starts_at"),
    ]
    for body, name in wrong:
        answer = shop.post("/v1/things", body)
        assert list(problem_of(answer, 422, "invalid")["errors"]) == [name], body

    assert (shop.taken, shop.answers) == (0, [])


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"pieces": NaN}',
        b'{"pieces": 1e999}',
        b'{"pieces": ' + b"9" * 5000 + b"}",
        b'{"pieces": 10000000000000000000000}',
        b'{"pieces": 1, "note": "a\\u0000b"}',
        b'{"pieces": 1, "note": "\\ud800"}',
        b'{"pieces": 1, "a\\u0000": 1}',
        b"[" * 30_000,
        b'{"a":' * 20 + b"1" + b"}" * 20,
    ],
)
def test_a_body_that_is_no_json_of_ours_is_unreadable(shop: Shop, body: bytes) -> None:
    answer = shop.client.post(
        "/v1/things",
        data=body,
        content_type="application/json",
        headers={**shop.token(), "Idempotency-Key": "wish-1"},
    )

    problem_of(answer, 400, "unreadable-request")
    assert shop.answers == []


def test_a_body_that_is_no_object_is_invalid(shop: Shop) -> None:
    for body in ([], [1], "x", 5, None):
        problem_of(shop.post("/v1/things", body), 422, "invalid")


def test_a_body_of_another_type_is_not_taken(shop: Shop) -> None:
    answer = shop.client.post(
        "/v1/things",
        data="pieces=1",
        content_type="application/x-www-form-urlencoded",
        headers={**shop.token(), "Idempotency-Key": "wish-1"},
    )

    problem_of(answer, 415, "media-type-not-supported")


def test_a_body_above_the_limit_is_too_large(shop: Shop) -> None:
    at_limit = {"Idempotency-Key": "wish-1", **shop.token()}
    large, larger = {"heap": "x" * 64 * 1024}, {"heap": "x" * 5 * 1024 * 1024}

    problem_of(shop.client.post("/v1/things", json=large, headers=at_limit), 413, "body-too-large")
    assert shop.client.post("/v1/imports", json=large, headers=at_limit).status_code == 204
    problem_of(
        shop.client.post("/v1/imports", json=larger, headers=at_limit), 413, "body-too-large"
    )


def test_a_body_where_none_is_taken_is_refused(shop: Shop) -> None:
    path = "/v1/guesses"

    problem_of(shop.post(path, {"pieces": 3}), 422, "invalid")
    problem_of(shop.post(path, []), 422, "invalid")
    as_json = {"content_type": "application/json", "headers": shop.token()}
    problem_of(shop.client.post(path, data=b"{", **as_json), 400, "unreadable-request")
    problem_of(
        shop.client.post(path, data=b"a=b", headers=shop.token()), 415, "media-type-not-supported"
    )
    assert (shop.taken, shop.answers) == (0, [])
    problem_of(shop.post(path, {}), 409, "out-of-things")


def test_a_body_without_a_length_is_taken_whole_or_not_at_all(shop: Shop) -> None:
    def ask(body: bytes) -> Any:
        return shop.client.post(
            "/v1/things",
            input_stream=io.BytesIO(body),
            content_type="application/json",
            headers={**shop.token(), "Idempotency-Key": "wish-1"},
            environ_overrides={"wsgi.input_terminated": True},
        )

    too_much = b'{"pieces": 1}' + b" " * (64 * 1024)
    problem_of(ask(too_much), 413, "body-too-large")
    assert ask(b'{"pieces": 1}').status_code == 201


def test_what_is_not_there_and_not_offered_is_said_in_our_words(shop: Shop) -> None:
    problem_of(shop.client.get("/v1/nothing"), 404, "not-there")
    offered = shop.client.delete("/v1/things")
    problem_of(offered, 405, "method-not-allowed")
    assert "POST" in offered.headers["Allow"]
    assert b"URL" not in shop.client.get("/v1/nothing").data


def test_nul_and_odd_signs_are_refused_wherever_they_come(shop: Shop) -> None:
    for path in ("/v1/things/a%00b/endings", "/v1/things/a%3Ab/endings", "/v1/things/%F0/endings"):
        problem_of(shop.post(path), 404, "not-there")
    problem_of(shop.post("/v1/things/" + "x" * 65 + "/endings"), 404, "not-there")
    problem_of(shop.client.get("/v1/things?after=a%00b"), 400, "unreadable-request")
    problem_of(shop.client.get("/v1/things?a%00b=1"), 400, "unreadable-request")
    problem_of(shop.client.get("/v1/things?after=" + "x" * 5000), 414, "address-too-long")


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit[$gt]=1", "after[$ne]=1", "unknown=1", "limit=1e9"],
)
def test_a_query_that_is_wrong_is_refused(shop: Shop, query: str) -> None:
    problem_of(shop.client.get(f"/v1/things?{query}"), 422, "invalid")


def test_who_asks_without_a_valid_token_is_told_to_sign_in(shop: Shop) -> None:
    def ask(**headers: str) -> Any:
        return shop.client.post(
            "/v1/things", json={"pieces": 1}, headers={"Idempotency-Key": "wish-1", **headers}
        )

    problem_of(ask(), 401, "not-signed-in")
    problem_of(ask(Authorization="Basic YTpi"), 401, "token-not-valid")
    problem_of(ask(Authorization="Bearer"), 401, "token-not-valid")
    answer = ask(Authorization="Bearer a.b.c")
    problem_of(answer, 401, "token-not-valid")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (shop.taken, shop.answers) == (0, [])


def test_a_role_too_few_is_not_allowed_and_said_before_the_body_is_looked_at(shop: Shop) -> None:
    problem_of(shop.post("/v1/lookups", {"odd": 1}), 403, "not-allowed")

    auditor = shop.token("eve", Grant(Role.AUDITOR, DISTRICT))
    answer = shop.client.post("/v1/lookups", json={"pieces": 2}, headers=auditor)
    assert (answer.status_code, answer.json) == (200, {"pieces": 2})


def test_every_kind_of_trouble_is_a_problem_that_tells_nothing_of_the_inside(shop: Shop) -> None:
    from pymongo.errors import AutoReconnect, DuplicateKeyError

    secret = "mongodb://10.0.0.7 E11000 phone 13800000000"
    expected = {
        "refused": (NotThere(), 404, "not-there"),
        "region": (NotAllowed(), 403, "not-allowed"),
        "facts": (Invalid(status="x", code="y", title="z", errors={"a": ["b"]}), 422, "invalid"),
        "busy": (Busy(secret), 503, "busy"),
        "away": (AutoReconnect(secret), 503, "database-away"),
        "twice": (DuplicateKeyError(secret), 503, "database-away"),
        "bug": (KeyError(secret), 500, "unexpected"),
        "deep": (RecursionError(secret), 500, "unexpected"),
        "large": (OverflowError(secret), 500, "unexpected"),
    }
    for kind, (error, status, code) in expected.items():
        TROUBLES[kind] = error
        answer = shop.client.get(f"/v1/troubles/{kind}")
        problem_of(answer, status, code)
        assert "10.0.0.7" not in answer.text
        assert ("Retry-After" in answer.headers) == (status == 503)


def test_every_class_of_exception_is_a_problem_without_internals(shop: Shop) -> None:
    """All that our code and its libraries could raise, as far as a class can be made of text."""
    secret = "mongodb://10.0.0.7 E11000 /srv/app/secret.py"
    modules = (builtins, pymongo.errors, werkzeug.exceptions, marshmallow.exceptions, jwt)
    found = (
        {
            kind
            for module in modules
            for kind in vars(module).values()
            if isinstance(kind, type) and issubclass(kind, Exception) and kind is not StopIteration
        }
        | _below(Refusal)
        | _below(Alarm)
        | _below(Busy)
        | _below(auth.KeysNotThere)
    )
    asked = 0
    for number, kind in enumerate(sorted(found, key=lambda kind: kind.__qualname__)):
        for arguments in ((secret,), (), (secret, secret, secret)):
            with contextlib.suppress(Exception):
                TROUBLES[f"t{number}"] = kind(*arguments)
                break
        else:
            continue
        answer = shop.client.get(f"/v1/troubles/t{number}")
        if answer.status_code < 400:
            assert issubclass(kind, werkzeug.exceptions.HTTPException), kind
            continue
        assert answer.content_type == "application/problem+json", kind
        own = issubclass(kind, Refusal)  # its sentence is for the asker
        for inside in ("Traceback", 'File "', *(() if own else ("10.0.0.7", "secret.py"))):
            assert inside not in answer.text, (kind, answer.text)
        asked += 1

    assert asked > 120


def _below(kind: type[Exception]) -> set[type[Exception]]:
    return {kind}.union(*(_below(each) for each in kind.__subclasses__()))


def test_an_editable_thing_wants_to_be_seen_before_it_is_changed(shop: Shop) -> None:
    seen = shop.client.get("/v1/tagged")
    tag = seen.headers["ETag"]

    def change(**headers: str) -> Any:
        return shop.client.patch("/v1/tagged", headers=headers)

    assert shop.client.get("/v1/tagged", headers={"If-None-Match": tag}).status_code == 304
    problem_of(change(), 428, "if-match-missing")
    problem_of(change(**{"If-Match": '"2"'}), 412, "changed-meanwhile")
    problem_of(change(**{"If-Match": "garbage("}), 412, "changed-meanwhile")
    assert change(**{"If-Match": tag}).status_code == 200
    assert change(**{"If-Match": "*"}).status_code == 200


def test_lists_come_in_pages(shop: Shop) -> None:
    for _ in range(5):
        shop.post("/v1/things", {"pieces": 1})

    first = shop.client.get("/v1/things?limit=3").json
    all_of_them = shop.client.get("/v1/things?limit=5").json

    assert first is not None
    assert all_of_them is not None
    assert (len(first["items"]), first["next"]) == (3, first["items"][-1]["thing_id"])
    assert (len(all_of_them["items"]), all_of_them["next"]) == (5, None)
