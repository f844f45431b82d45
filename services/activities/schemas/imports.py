"""Imports over HTTP: ``docs/imports.md`` describes the mapping."""

from __future__ import annotations

import json
import re
from typing import Any

from marshmallow import ValidationError, validate
from marshmallow import fields as ma

from services.activities.model import PLACES_MAX
from shared.errors import Invalid
from shared.web import Page, PageQuery, Schema, fields
from shared.web.blueprint import check_value

MAPPING_CHARS_MAX = 64 * 1024
_BINARY = {"type": "string", "format": "binary"}
OUTCOMES = ("published", "unchanged", "rejected")
_CLOCK = validate.Regexp(re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]\Z"))
_DATE_FORMAT = validate.Regexp(re.compile(r"([^%]|%[dmbByY])*\Z"))
_TIME_FORMAT = validate.Regexp(re.compile(r"([^%]|%[HIMp])*\Z"))


class ColumnNames(Schema):
    """Which column is what."""

    id = fields.Text(100)
    title = fields.Text(100, required=True)
    summary = fields.Text(100)
    organisation = fields.Text(100)
    kind = fields.Text(100)
    start_date = fields.Text(100, required=True)
    end_date = fields.Text(100)
    start_time = fields.Text(100)
    end_time = fields.Text(100)
    recurrence = fields.Text(100)
    places = fields.Text(100)


class Dates(Schema):
    """How dates are written, and whether they move to the coming weeks."""

    formats = ma.List(
        fields.Text(40, validate=_DATE_FORMAT),
        required=True,
        validate=validate.Length(min=1, max=5),
    )
    move = ma.String(validate=validate.OneOf(["no", "whole-years"]))
    window_weeks = fields.Count(1, 52)


class Times(Schema):
    """How times are written, what means that none is given, and what holds then."""

    formats = ma.List(
        fields.Text(40, validate=_TIME_FORMAT), validate=validate.Length(min=1, max=5)
    )
    none = ma.List(fields.Text(40), validate=validate.Length(max=20))
    default_start = ma.String(validate=_CLOCK)
    default_end = ma.String(validate=_CLOCK)


class Recurrence(Schema):
    """Which values mean "once" and "weekly", and for how many weeks that is published."""

    once = ma.List(fields.Text(40), validate=validate.Length(max=20))
    weekly = ma.List(fields.Text(40), validate=validate.Length(max=20))
    weeks = fields.Count(1, 52)


class Places(Schema):
    """The places where the file says none."""

    default = fields.Count(1, PLACES_MAX, required=True)


class MappingDocument(Schema):
    """Which column of a file is what, and how its values are meant."""

    notes = ma.List(fields.Text(500), validate=validate.Length(max=50))
    source = fields.Text(64, required=True)
    columns = ma.Nested(ColumnNames, required=True)
    dates = ma.Nested(Dates, required=True)
    times = ma.Nested(Times)
    recurrence = ma.Nested(Recurrence)
    places = ma.Nested(Places)
    regions = ma.List(fields.RegionCode(), required=True, validate=validate.Length(min=1, max=500))


class ImportFiles(Schema):
    """The CSV and its mapping; the mapping may be a plain field of the form instead of a file."""

    file = ma.Raw(required=True, metadata=_BINARY)
    mapping = ma.Raw(load_default=None, metadata=_BINARY)


class ImportSchema(Schema):
    """How far an import is: ``accepted``, ``running``, ``done``; rows by their outcome."""

    import_id = ma.String(required=True)
    district = ma.String(required=True)
    source = ma.String(required=True)
    state = ma.String(required=True)
    rows = ma.Integer(required=True)
    done = ma.Integer(required=True)
    published = ma.Integer(required=True)
    unchanged = ma.Integer(required=True)
    rejected = ma.Integer(required=True)
    accepted_at = fields.When(required=True)
    finished_at = fields.When(allow_none=True)


class ImportRowSchema(Schema):
    """What became of a row; ``line`` is the physical line where it begins, the header's is 1."""

    line = ma.Integer(required=True)
    outcome = ma.String(required=True)
    reason = ma.String(allow_none=True)
    detail = ma.String(allow_none=True)
    activity_id = ma.String(allow_none=True)


class ImportRowQuery(PageQuery):
    """Which rows to list; the cursor is a line."""

    outcome = ma.String(load_default=None, validate=validate.OneOf(OUTCOMES))
    after = fields.Cursor(
        load_default="0",
        validate=validate.Regexp(r"[0-9]{1,9}\Z"),
        metadata={"pattern": "^[0-9]{1,9}$"},
    )


ImportRowPage = Page(ImportRowSchema)
_MAPPING = MappingDocument()


def read_mapping(text: str) -> dict[str, Any]:
    """Return a mapping's document; refuses what is no JSON, or has another shape."""
    if len(text) > MAPPING_CHARS_MAX:
        raise Invalid("字段映射过长 · The mapping is too long")
    try:
        document = json.loads(text)
        check_value(document)
    except (ValueError, RecursionError):
        raise Invalid("字段映射不是 JSON · The mapping is not JSON") from None
    try:
        loaded: dict[str, Any] = _MAPPING.load(document)
    except ValidationError as error:
        raise Invalid(
            "字段映射无效 · The mapping is not valid", errors={"mapping": error.messages}
        ) from None
    return loaded
