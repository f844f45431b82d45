"""Activities and shifts over HTTP."""

from __future__ import annotations

from marshmallow import fields as ma
from marshmallow import validate

from services.activities.model import PLACES_MAX, SHIFTS_MAX
from shared.web import Page, PageQuery, Schema, fields

STATUSES = ("draft", "published", "closed")


class NewShift(Schema):
    """The time and the places of a shift; whole minutes, at most 24 hours."""

    example = {
        "starts_at": "2030-03-02T14:00:00+08:00",
        "ends_at": "2030-03-02T16:00:00+08:00",
        "places": 20,
    }

    starts_at = fields.When(required=True)
    ends_at = fields.When(required=True)
    places = fields.Count(1, PLACES_MAX, required=True)


class NewActivity(Schema):
    """What is to be published."""

    example = {
        "title": "社区图书整理 · Sorting books",
        "summary": "At the community library",
        "kind": "culture",
        "region": "430211001004",
        "shifts": [
            {
                "starts_at": "2030-03-02T09:00:00+08:00",
                "ends_at": "2030-03-02T11:00:00+08:00",
                "places": 20,
            }
        ],
    }

    title = fields.Text(200, required=True)
    summary = fields.Text(4_000, min=0, lines=True, load_default="")
    region = fields.RegionCode(required=True)
    kind = fields.Text(100, min=0, load_default="")
    shifts = ma.List(
        ma.Nested(NewShift), load_default=list, validate=validate.Length(max=SHIFTS_MAX)
    )


class ActivityChange(Schema):
    """What may be changed of an activity; region and shifts stay."""

    example = {"summary": "At the community library, second floor"}

    title = fields.Text(200)
    summary = fields.Text(4_000, min=0, lines=True)
    kind = fields.Text(100, min=0)


class ShiftSchema(Schema):
    """One time slot with places."""

    shift_id = ma.String(required=True)
    activity_id = ma.String(required=True)
    district = ma.String(required=True)
    region = ma.String(required=True)
    starts_at = fields.When(required=True)
    ends_at = fields.When(required=True)
    minutes = ma.Integer(required=True)
    places = ma.Integer(required=True)
    taken = ma.Integer(required=True)
    status = ma.String(required=True, validate=validate.OneOf(STATUSES))


class ActivitySchema(Schema):
    """An activity."""

    activity_id = ma.String(required=True)
    district = ma.String(required=True)
    region = ma.String(required=True)
    title = ma.String(required=True)
    summary = ma.String(required=True)
    kind = ma.String(required=True)
    organisation = ma.String(required=True)
    status = ma.String(required=True, validate=validate.OneOf(STATUSES))
    shifts_count = ma.Integer(required=True)
    first_starts_at = fields.When(allow_none=True)
    last_starts_at = fields.When(allow_none=True)
    created_at = fields.When(required=True)
    published_at = fields.When(allow_none=True)
    closed_at = fields.When(allow_none=True)


class ActivityWithShifts(ActivitySchema):
    """A new activity and the shifts that came with it."""

    shifts = ma.List(ma.Nested(ShiftSchema), required=True)


class ActivityQuery(PageQuery):
    """Which activities to list; ``starts_after``: those with a shift that starts later."""

    region = fields.RegionCode(load_default=None)
    status = ma.String(load_default="published", validate=validate.OneOf(STATUSES))
    starts_after = fields.When(load_default=None)


class ShiftQuery(PageQuery):
    """Which published shifts to list: those that start from ``from`` and before ``to``."""

    region = fields.RegionCode(load_default=None)
    starts_from = fields.When(load_default=None, data_key="from")
    starts_before = fields.When(load_default=None, data_key="to")


ActivityPage = Page(ActivitySchema)
ShiftPage = Page(ShiftSchema)
