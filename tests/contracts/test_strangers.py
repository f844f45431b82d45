"""Every operation of a stocked district, asked by who should not, with what should not be there.

Made from the OpenAPI documents, so a new operation is covered without an edit.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import MongoClient

from tests.contracts.documented import Operation, fields_of, operations, sample
from tests.contracts.stocked import DISTRICT, NAME, OTHER_DISTRICT, Stocked
from tests.journeys.house import SERVICES
from tests.journeys.town import Token

pytestmark = [pytest.mark.servers, pytest.mark.timeout(240)]

EVERYBODYS = {
    "activities POST /v1/shifts/{shift_id}/sign-ups": "whoever volunteers may sign up",
    "store GET /v1/merchants/{merchant_id}": "an approved merchant is shown to all who may order",
    "volunteers GET /v1/volunteers/{volunteer_id}/roles": "what one's own scope granted: nothing",
    "ledger GET /v1/books/{book}": "a book's head and hash are for everybody to keep",
    "ledger GET /v1/books/{book}/balances/me": "one's own",
    "ledger GET /v1/books/{book}/statements/me": "one's own",
}
"""Operations with an id that a stranger may call; that they show nobody else's is looked at too."""

KEYS = Path(__file__).parent / "keys.json"
OPERATORS = ('{"$ne":null}', "$ne", "[$ne]", '{"$where":"1"}', "a\x00b", "'; return 1; '")
PASSING = {"answers", "leases", "processes", "sessions", "pauses"}
"""Collections that say who asked, not what is."""


@pytest.fixture(scope="module")
def strangers(there: Stocked) -> dict[str, Token]:
    """Two who have nothing to do with what is there, the second with every role elsewhere."""
    elsewhere = there.other.volunteer("赵六")
    for role in ("organiser", "admin", "merchant", "auditor"):
        grant = {"role": role, "region": OTHER_DISTRICT}
        path = f"/volunteers/{elsewhere.volunteer_id}/roles"
        there.other.services.volunteers.post(path, grant, by=there.other.admin)
    refreshed = {"refresh_token": elsewhere.refresh}
    answer = there.other.services.volunteers.post("/session-refreshes", refreshed)
    elsewhere = Token(
        access=answer["access_token"],
        refresh=answer["refresh_token"],
        volunteer_id=elsewhere.volunteer_id,
    )
    return {"a neighbour": there.town.volunteer("钱七"), "elsewhere": elsewhere}


def digest(there: Stocked) -> str:
    """Return a digest of all that the four databases hold of people's things."""
    found = hashlib.sha256()
    client: MongoClient[Any] = MongoClient(there.house.mongo.uri)
    for service in SERVICES:
        database = client[f"{there.house.prefix}{service}"]
        for name in sorted(set(database.list_collection_names()) - PASSING):
            rows = sorted(bson.encode(row) for row in database[name].find({}))
            found.update(f"{service}.{name}:{len(rows)}".encode())
            found.update(b"".join(rows))
    client.close()
    return found.hexdigest()


def addresses(there: Stocked, operation: Operation) -> Iterator[str]:
    """Yield the operation's path with what is there: the first and the latest of each name."""
    choices = []
    for name in operation.variables:
        known = there.known[name]
        choices.append(sorted({known[0], known[-1]}))
    for values in itertools.product(*choices):
        yield operation.address(dict(zip(operation.variables, values, strict=True)))


def asked(there: Stocked, operation: Operation, path: str, by: Token, **more: Any) -> Any:
    """Ask as somebody, with a body that the schema takes."""
    headers = {"Authorization": f"Bearer {by.access}", "If-Match": '"1"'}
    if operation.body is not None and "json" not in more:
        more["json"] = sample(operation.body, there)
    return there.ask(operation.service, operation.method, path, headers=headers, **more)


def test_what_is_anothers_is_not_there_for_who_has_no_part_in_it(
    there: Stocked, strangers: dict[str, Token]
) -> None:
    before, leaks, looked_at = digest(there), [], 0
    secrets = {NAME, *there.known["order_id"], *there.known["record_id"]}
    secrets |= {*there.known["sign_up_id"], there.people["volunteer"].volunteer_id}
    for operation in operations(there):
        if not operation.variables or not operation.roles:
            continue
        for (who, token), path in itertools.product(strangers.items(), addresses(there, operation)):
            if str(operation) in EVERYBODYS and operation.writes:
                continue
            answer = asked(there, operation, path, token)
            looked_at += 1
            if str(operation) not in EVERYBODYS and answer.status_code not in (403, 404):
                leaks.append(f"{operation} to {who}: {answer.status_code} {answer.text[:200]}")
            shown = {secret for secret in secrets if secret in answer.text and secret not in path}
            if shown:
                leaks.append(f"{operation} tells {who} {shown}")

    assert leaks == [], leaks
    assert looked_at > 100
    assert digest(there) == before


def test_fields_that_are_ours_alone_are_refused_in_every_body(there: Stocked) -> None:
    client: MongoClient[Any] = MongoClient(there.house.mongo.uri)
    before, operations_asked = digest(there), 0
    for operation in operations(there):
        if operation.body is None:
            continue
        database = client[f"{there.house.prefix}{operation.service}"]
        stored = {
            name
            for collection in database.list_collection_names()
            for row in database[collection].find({}).limit(20)
            for name in row
        }
        known = fields_of(operation.body)
        injected = dict.fromkeys(sorted(stored - known), 1)
        assert len(injected) > 20, operation
        path = next(addresses(there, operation))
        role = operation.roles[0] if operation.roles else "volunteer"
        body = {**sample(operation.body, there), **injected}
        answer = asked(there, operation, path, there.people[role], json=body)
        assert answer.status_code == 422, f"{operation}: {answer.status_code} {answer.text[:300]}"
        assert set(injected) <= set(answer.json()["errors"]), operation
        operations_asked += 1
    client.close()

    assert operations_asked > 25
    assert digest(there) == before


def test_operators_in_any_query_find_nothing_that_they_should_not(there: Stocked) -> None:
    before, taken, looked_at = digest(there), [], 0
    for operation in operations(there):
        if operation.method != "GET" or not operation.query:
            continue
        path = next(addresses(there, operation))
        role = operation.roles[0] if operation.roles else "volunteer"
        for name, value in itertools.product(operation.query, OPERATORS):
            for query in ({name: value}, {f"{name}[$ne]": "1"}, {f"{name}.$gt": ""}):
                answer = asked(there, operation, path, there.people[role], params=query)
                if not 400 <= answer.status_code < 500:
                    taken.append(f"{operation} {query}: {answer.text[:200]}")
                looked_at += 1

    assert taken == [], taken
    assert looked_at > 300
    assert digest(there) == before


def shown_keys(value: Any, at: str = "") -> set[str]:
    """Return the paths of all keys of an answer, of a list's items together."""
    if isinstance(value, dict):
        found = {f"{at}.{name}".lstrip(".") for name in value}
        return found.union(*(shown_keys(v, f"{at}.{name}") for name, v in value.items()))
    if isinstance(value, list):
        return set().union(*(shown_keys(each, at) for each in value))
    return set()


def test_each_role_is_shown_these_keys_and_no_more(
    there: Stocked, strangers: dict[str, Token]
) -> None:
    """Write `keys.json` anew with the print of this test where a change is meant."""
    people = {**there.people, "a neighbour": strangers["a neighbour"]}
    found: dict[str, dict[str, list[str]]] = {}
    for operation in operations(there):
        if operation.method != "GET" or not operation.path.startswith("/v1/"):
            continue
        for role, token in people.items():
            if operation.path.endswith("/rules"):
                continue  # the same for everybody
            keys: set[str] = set()
            for path in addresses(there, operation):
                answer = asked(there, operation, path, token)
                if answer.status_code < 300:
                    keys |= shown_keys(answer.json())
            if keys:
                shown = found.setdefault(str(operation), {})
                shown[role] = sorted(keys)
    known = json.loads(KEYS.read_text())
    print(json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True))
    more = [
        f"{operation} as {role}: {sorted(set(keys) - set(known.get(operation, {}).get(role, [])))}"
        for operation, roles in found.items()
        for role, keys in roles.items()
        if set(keys) - set(known.get(operation, {}).get(role, []))
    ]
    assert more == []
    assert len(found) > 20
    assert DISTRICT in there.known["book"]
