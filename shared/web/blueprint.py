"""flask-smorest's blueprint, stricter about what comes in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import flask_smorest
import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser, abort, is_json_request

from shared.web.describing import describe, note

DEPTH_MAX = 16
NUMBER_MAX = 2**53

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class Parser(FlaskParser):
    """Reads what HTTP brings: unknown fields are errors everywhere, odd JSON is no JSON."""

    # None: as the schema says, and ours all refuse.
    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - the name and the shape are webargs'
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": None,
        "querystring": None,
        "files": ma.EXCLUDE,
    }

    def load_json(self, req: Request, schema: Any) -> Any:  # noqa: ARG002 - webargs' signature
        """Return the body's value; 400 where it is not JSON, 415 where it does not say so."""
        body = req.get_data(cache=True)
        if not body:
            return {}
        if not is_json_request(req):
            abort(415)
        try:
            value = json.loads(body.decode("utf-8"), parse_constant=_refuse)
            check_value(value)
        except (ValueError, RecursionError):
            # ValueError: no JSON, no UTF-8, NaN, a number of thousands of digits.
            abort(400)
        return value


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A noun's routes: each with its role, its schemas and its place in the OpenAPI document."""

    ARGUMENTS_PARSER = Parser()

    def __init__(
        self, *args: Any, examples: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> None:
        """``examples``: values for what stands in the paths, by name."""
        super().__init__(*args, **kwargs)
        self._examples = dict(examples or {})
        self._prepare_doc_cbks.append(describe)

    def route(self, rule: str, **options: Any) -> Decorator:
        """Answer with the function below; its path is documented with its examples."""
        shown = [
            {"in": "path", "name": name, "example": value}
            for name, value in self._examples.items()
            if f"<{name}>" in rule
        ]
        decorate: Decorator = super().route(rule, parameters=shown, **options)
        return lambda view: decorate(note(view, rule=rule))

    # The library's decorators have no types; these lend them some, and change nothing.

    def get(self, rule: str, **options: Any) -> Decorator:
        """Answer GET with the function below."""
        return cast("Decorator", super().get(rule, **options))

    def post(self, rule: str, **options: Any) -> Decorator:
        """Answer POST with the function below."""
        return cast("Decorator", super().post(rule, **options))

    def put(self, rule: str, **options: Any) -> Decorator:
        """Answer PUT with the function below."""
        return cast("Decorator", super().put(rule, **options))

    def patch(self, rule: str, **options: Any) -> Decorator:
        """Answer PATCH with the function below."""
        return cast("Decorator", super().patch(rule, **options))

    def arguments(self, schema: Any, **options: Any) -> Decorator:
        """Give the function what came in, by this schema, as its first argument."""
        if getattr(schema, "example", None) is not None:
            options.setdefault("example", dict(schema.example))
        return cast("Decorator", super().arguments(schema, **options))

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Decorator:
        """Show what the function returns by this schema."""
        return cast("Decorator", super().response(status_code, schema, **options))


def check_value(value: Any, depth: int = 0) -> None:
    """Raise ValueError for what no schema of ours could mean and the database could not hold."""
    if depth > DEPTH_MAX:
        raise ValueError("too deep")
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, int | float):
        if not -NUMBER_MAX <= value <= NUMBER_MAX:
            raise ValueError("a number out of range")
    elif isinstance(value, list):
        for inner in value:
            check_value(inner, depth + 1)
    elif isinstance(value, dict):
        for name, inner in value.items():
            check_text(name)
            check_value(inner, depth + 1)


def check_text(text: str) -> None:
    """Raise ValueError for NUL, and for halves of characters that UTF-8 cannot hold."""
    if "\x00" in text:
        raise ValueError("NUL")
    text.encode("utf-8")


def _refuse(constant: str) -> None:
    raise ValueError(constant)
