"""The examples in the OpenAPI documents work against `make run`'s sample people, one after another.

As on the try-it page, ids, codes and tags come from the answers before (``pages/docs.js``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.embedded import sample_people
from deploy.embedded.servers import MongoServer
from shared import ids
from tests.architecture.code import ROOT
from tests.journeys.house import SERVICES, House

DOCUMENTS = {
    service: json.loads((ROOT / "docs" / "openapi" / f"{service}.json").read_text())
    for service in SERVICES
}
WALK = [
    ("volunteers", None, "post /v1/phone-confirmations", 202),
    ("volunteers", None, "post /v1/sessions", 201),
    ("volunteers", None, "post /v1/session-refreshes", 201),
    ("volunteers", "volunteer", "get /v1/volunteers/me", 200),
    ("volunteers", "volunteer", "patch /v1/volunteers/me", 200),
    ("volunteers", "volunteer", "get /v1/volunteers/me/stars", 200),
    ("volunteers", "organiser", "post /v1/volunteer-names", 200),
    ("volunteers", None, "get /v1/regions/{code}", 200),
    ("volunteers", None, "get /v1/districts/{district}/rules", 200),
    ("volunteers", "admin", "put /v1/districts/{district}/rules", 200),
    ("volunteers", "admin", "get /v1/volunteers/{volunteer_id}", 200),
    ("volunteers", "admin", "post /v1/volunteers/{volunteer_id}/roles", 201),
    ("volunteers", "admin", "post /v1/role-revocations", 201),
    ("volunteers", None, "post /v1/session-ends", 204),
    ("activities", "organiser", "post /v1/activities", 201),
    ("activities", "organiser", "post /v1/activities/{activity_id}/shifts", 201),
    ("activities", "organiser", "get /v1/activities/{activity_id}", 200),
    ("activities", "organiser", "patch /v1/activities/{activity_id}", 200),
    ("activities", "organiser", "post /v1/activities/{activity_id}/publications", 201),
    ("activities", "volunteer", "post /v1/shifts/{shift_id}/sign-ups", 201),
    ("activities", "volunteer", "get /v1/sign-ups/{sign_up_id}", 200),
    ("activities", "volunteer", "post /v1/sign-ups/{sign_up_id}/check-ins", 403),  # no code yet
    ("activities", "volunteer", "post /v1/sign-ups/{sign_up_id}/withdrawals", 201),
    ("activities", "admin", "put /v1/districts/{district}/rules", 200),
    ("store", "merchant", "post /v1/merchants", 201),
    ("store", "admin", "post /v1/merchants/{merchant_id}/approvals", 201),
    ("store", "merchant", "post /v1/merchants/{merchant_id}/staff", 201),
    ("store", "merchant", "post /v1/merchants/{merchant_id}/staff-removals", 201),
    ("store", "merchant", "post /v1/merchants/{merchant_id}/items", 201),
    ("store", None, "get /v1/items/{item_id}", 200),
    ("store", "merchant", "patch /v1/items/{item_id}", 200),
    ("store", "merchant", "post /v1/items/{item_id}/stock-arrivals", 201),
    ("store", "volunteer", "post /v1/orders", 202),
    ("store", "volunteer", "get /v1/orders/{order_id}", 200),
    ("store", "volunteer", "post /v1/orders/{order_id}/cancellations", 202),
    ("store", "merchant", "post /v1/merchants/{merchant_id}/voucher-uses", 422),  # no code yet
    ("store", "admin", "post /v1/merchants/{merchant_id}/suspensions", 201),
    ("store", "admin", "put /v1/districts/{district}/rules", 200),
    ("ledger", "volunteer", "get /v1/books/{book}", 200),
    ("ledger", "volunteer", "get /v1/books/{book}/balances/me", 200),
    ("ledger", "volunteer", "get /v1/books/{book}/statements/me", 200),
    ("ledger", "auditor", "get /v1/books/{book}/postings/{n}", 200),
    ("ledger", "auditor", "get /v1/books/{book}/trial-balance", 200),
    ("volunteers", "admin", "post /v1/volunteers/{volunteer_id}/status-changes", 201),
]


def operations() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield every operation: its name, itself, and its path with what all on it share."""
    for service, document in DOCUMENTS.items():
        for path, shared in document["paths"].items():
            for method, operation in shared.items():
                if method != "parameters":
                    yield f"{service} {method} {path}", operation, shared


def test_every_json_body_has_an_example() -> None:
    bodies = {
        name: operation["requestBody"]["content"].get("application/json")
        for name, operation, _ in operations()
        if "requestBody" in operation
    }

    said = {name: body for name, body in bodies.items() if body and _says_something(body["schema"])}

    assert len(said) > 20
    assert not [name for name, body in said.items() if "example" not in body]


def _says_something(schema: dict[str, Any]) -> bool:
    """Tell a body with fields from the empty one, which many a POST takes and none needs."""
    return "$ref" in schema or bool(schema.get("properties"))


def test_what_no_answer_brings_stands_in_the_path_as_an_example() -> None:
    named = {
        f"{name} {parameter['name']}"
        for name, _, shared in operations()
        for parameter in shared.get("parameters", [])
        if not parameter["name"].endswith("_id") and "example" not in parameter
    }

    # Whose account: an id like others, but it is said by its kind.
    assert {name.rpartition(" ")[2] for name in named} == {"holder"}


@pytest.mark.servers
def test_the_examples_work_against_the_sample_people(mongo: MongoServer, tmp_path: Path) -> None:
    house = House(mongo, None, tmp_path)
    try:
        for service in SERVICES:
            house.serve(service)
        house.bootstrap(district=sample_people.DISTRICT, admin_phone=sample_people.ADMIN_PHONE)
        sample_people.let_in(house.urls)
        tokens = {
            who.role: sample_people.access_token(house.urls, who.role)
            for who in sample_people.SAMPLE_PEOPLE
        }
        seen: dict[str, Any] = {}
        went = [
            (step, ask(house, service, step, tokens.get(role or ""), seen))
            for service, role, step, _ in WALK
        ]
    finally:
        house.close()

    wrong = [
        f"{step}: {answer.status_code}, not {status}: {answer.text[:300]}"
        for (step, answer), (*_, status) in zip(went, WALK, strict=True)
        if answer.status_code != status
    ]
    assert not wrong, "\n".join(wrong)


def ask(
    house: House, service: str, step: str, token: str | None, seen: dict[str, Any]
) -> requests.Response:
    """Send what the document's example says, with what answers said before."""
    method, path = step.split()
    shared = DOCUMENTS[service]["paths"][path]
    named = {one["name"]: one.get("example") for one in shared.get("parameters", [])}
    address = re.sub(r"\{(\w+)\}", lambda it: str(named[it[1]] or seen[it[1]]), path)
    content = shared[method].get("requestBody", {}).get("content", {}).get("application/json")
    body = content and {
        name: seen.get(name, value) for name, value in content.get("example", {}).items()
    }
    headers = {
        "Idempotency-Key": ids.new_id(),
        **({"If-Match": seen["tag"]} if "tag" in seen else {}),
    }
    if token:
        headers["Authorization"] = f"Bearer {token}"
    url = house.urls[service] + address
    answer = requests.request(method, url, json=body, headers=headers, timeout=20)
    if "ETag" in answer.headers:
        seen["tag"] = answer.headers["ETag"]
    if answer.ok and answer.content:
        worth_keeping(answer.json(), seen)
    return answer


def worth_keeping(value: Any, seen: dict[str, Any]) -> None:
    """Note what another request may want, as the page does."""
    if isinstance(value, list):
        for first in value[:1]:
            worth_keeping(first, seen)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                worth_keeping(inner, seen)
            elif name == "embedded_code":
                seen["code"] = inner
            elif inner and re.search(r"^(code|refresh_token)$|_id$", name):
                seen[name] = inner
