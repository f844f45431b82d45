"""Schemas refuse what they do not know; lists come in pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import marshmallow as ma

from shared.web import fields

PAGE_MAX = 100


class Schema(ma.Schema):
    """A body or an answer; an unknown field in what comes in is an error of that field."""

    example: ClassVar[Mapping[str, Any] | None] = None
    """A body for the OpenAPI document: it works against `make run`, ids and codes apart."""

    class Meta:
        unknown = ma.RAISE


class PageQuery(Schema):
    """What a list may be asked with: how many, and after which."""

    limit = fields.Count(1, PAGE_MAX, load_default=50)
    after = fields.Cursor(load_default=None)


class ProblemSchema(Schema):
    """RFC 9457, with a stable code for each refusal, and the facts that it speaks of beside it."""

    class Meta:
        unknown = ma.INCLUDE

    type = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True)
    detail = ma.fields.String()
    errors = ma.fields.Dict()


_pages: dict[type[ma.Schema], type[Schema]] = {}


def Page(item: type[ma.Schema]) -> type[Schema]:  # noqa: N802 - reads as the schema that it returns
    """Return the schema of a page of these: ``{"items": […], "next": cursor or null}``."""
    if item not in _pages:
        _pages[item] = type(
            f"{item.__name__.removesuffix('Schema')}Page",
            (Schema,),
            {
                "items": ma.fields.List(ma.fields.Nested(item), required=True),
                "next": ma.fields.String(allow_none=True, required=True),
            },
        )
    return _pages[item]


def page(
    items: Sequence[dict[str, Any]], limit: int, key: Callable[[dict[str, Any]], str]
) -> dict[str, Any]:
    """Return the first ``limit`` of what was fetched (one more than that), and where to go on."""
    shown = list(items[:limit])
    return {"items": shown, "next": key(shown[-1]) if len(items) > limit else None}
