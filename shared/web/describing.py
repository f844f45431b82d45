"""What the OpenAPI document says of a route beside its schemas: headers, and every refusal.

A response that a document does not describe is a fault of the document: ``tests/contracts`` asks
every route for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

WRITES = frozenset({"post", "put", "patch"})
ANY = (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_URI_TOO_LONG, HTTPStatus.TOO_MANY_REQUESTS)
WRITE = (
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
_ETAG = {"ETag": {"description": "Names what is shown.", "schema": {"type": "string"}}}
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?[^<>]+>")
_NO_BODY = {
    "required": False,
    "description": "Nothing is to be said here: no body, or an object without fields.",
    "content": {"application/json": {"schema": {"type": "object", "additionalProperties": False}}},
}


def note(view: View, **said: Any) -> View:
    """Keep words about a view for its description; what wraps it later keeps them."""
    view._apidoc = {**getattr(view, "_apidoc", {}), **said}  # type: ignore[attr-defined]
    return view


def tagged(view: View) -> View:
    """Describe an answer with its ETag, and 304 to who has just that. Stands below the route."""
    return note(view, tagged=True)


def also(status: int, why: str) -> Callable[[View], View]:
    """Describe one more answer that only this route gives. Stands below the route."""

    def decorate(view: View) -> View:
        found = getattr(view, "_apidoc", {}).get("also", {})
        return note(view, also={**found, status: why})

    return decorate


def takes_body(view: Any) -> bool:
    """Tell whether a view says what its body may hold."""
    parameters = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
    return any(parameter["in"] in ("json", "form", "files") for parameter in parameters)


def describe(
    doc: dict[str, Any], doc_info: dict[str, Any], *, method: str, **_kwargs: Any
) -> dict[str, Any]:
    """Describe headers and refusals: flask-smorest calls this for each method of each route."""
    parameters = doc.setdefault("parameters", [])
    if method == "patch":
        parameters.append("IF_MATCH")
    if method == "get" and doc_info.get("tagged"):
        parameters.append("IF_NONE_MATCH")
    if method == "post" and not doc_info.get("keyless"):
        parameters.append("IDEMPOTENCY_KEY")
    if method in WRITES and "requestBody" not in doc:
        doc["requestBody"] = _NO_BODY
    if not parameters:
        del doc["parameters"]
    responses: dict[Any, Any] = doc.setdefault("responses", {})
    for status in _refusals(doc_info, method):
        responses.setdefault(int(status), status.name)
    if doc_info.get("tagged"):
        if method == "get":
            responses[304] = {"description": "Nothing has changed.", "headers": _ETAG}
        for status in doc_info["success_status_codes"]:
            responses[status]["headers"] = _ETAG
    for status, why in doc_info.get("also", {}).items():
        responses[status] = {**_like(responses, doc_info, status), "description": why}
    return doc


def _like(responses: dict[Any, Any], doc_info: dict[str, Any], status: int) -> dict[str, Any]:
    """Return a success shaped like the first, a refusal shaped like any."""
    if status < HTTPStatus.BAD_REQUEST:
        return dict(responses[doc_info["success_status_codes"][0]])
    problem = {"$ref": "#/components/schemas/Problem"}
    return {"content": {"application/problem+json": {"schema": problem}}}


def _refusals(doc_info: dict[str, Any], method: str) -> list[HTTPStatus]:
    manual = doc_info.get("manual_doc", {})
    found = [*ANY, HTTPStatus.SERVICE_UNAVAILABLE]
    if manual.get("security"):
        found.append(HTTPStatus.UNAUTHORIZED)
    if manual.get("x-roles"):
        found.append(HTTPStatus.FORBIDDEN)
    if _VARIABLE.search(doc_info["rule"]):
        found.append(HTTPStatus.NOT_FOUND)
    if method in WRITES:
        found += WRITE
    if method == "patch":
        found += [HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED]
    return sorted(set(found))
