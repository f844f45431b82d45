"""What the four OpenAPI documents say of each operation, for tests that ask all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared import clock
from tests.contracts.stocked import Stocked

METHODS = ("get", "post", "put", "patch", "delete")
SAMPLES: dict[str, Any] = {
    "reason": "检查 check",
    "code": "0123456789ABCDEFG",
    "phone": "13900000001",
    "starts_on": "2031-01-01",
    "starts_at": "2031-01-01T09:00:00+08:00",
    "ends_at": "2031-01-01T11:00:00+08:00",
    "minutes": 60,
}
"""What a field may hold where its schema alone does not say it."""


@dataclass(frozen=True)
class Operation:
    """One method of one path of one service."""

    service: str
    method: str
    path: str
    roles: tuple[str, ...]
    variables: tuple[str, ...]
    query: tuple[str, ...]
    body: dict[str, Any] | None
    """The schema of a JSON body, its references resolved; None where it takes none."""

    def __str__(self) -> str:
        return f"{self.service} {self.method} {self.path}"

    @property
    def writes(self) -> bool:
        """Tell whether the operation may change something."""
        return self.method != "GET"

    def address(self, values: dict[str, str]) -> str:
        """Return the path with its variables filled in."""
        return re.sub(r"\{([^}]*)\}", lambda found: values[found[1]], self.path)


def operations(there: Stocked) -> Iterator[Operation]:
    """Yield every operation of every service."""
    for service in there.house.urls:
        document = there.ask(service, "GET", "/openapi.json").json()
        for path, methods in document["paths"].items():
            for method, said in methods.items():
                if method in METHODS:
                    yield _operation(document, service, method, path, said)


def sample(schema: dict[str, Any], there: Stocked, name: str = "") -> Any:
    """Return a value that a schema takes, with what is there where it is an id's or a region's."""
    if "enum" in schema:
        return schema["enum"][0]
    if name in SAMPLES:
        return SAMPLES[name]
    if name in there.known:
        return there.known[name][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            more = [n for n, each in properties.items() if each.get("type") == "integer"][:1]
            wanted = [*schema["required"], *more] if "required" in schema else properties
            return {each: sample(schema["properties"][each], there, each) for each in wanted}
        case "array":
            return [sample(schema["items"], there, name.removesuffix("s"))]
        case "integer":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    if schema.get("format") == "date-time":
        return clock.now().isoformat()
    return "公益 text"


def fields_of(schema: dict[str, Any]) -> set[str]:
    """Return the names of all fields of a schema, those inside others too."""
    found = set(schema.get("properties", {}))
    for inner in [*schema.get("properties", {}).values(), schema.get("items")]:
        if inner:
            found |= fields_of(inner)
    return found


def _operation(document: Any, service: str, method: str, path: str, said: Any) -> Operation:
    content = said.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    given = said.get("parameters", [])
    return Operation(
        service=service,
        method=method.upper(),
        path=path,
        roles=tuple(said.get("x-roles", [])),
        variables=tuple(re.findall(r"\{([^}]*)\}", path)),
        query=tuple(p["name"] for p in given if p.get("in") == "query"),
        body=_resolved(document, schema) if schema else None,
    )


def _resolved(document: Any, schema: Any) -> Any:
    if isinstance(schema, list):
        return [_resolved(document, each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _resolved(document, document["components"]["schemas"][schema["$ref"].split("/")[-1]])
    return {name: _resolved(document, each) for name, each in schema.items()}
