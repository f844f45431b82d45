"""Sign-ups, attendances and service records over HTTP."""

from __future__ import annotations

from marshmallow import ValidationError, validates_schema
from marshmallow import fields as ma

from shared.web import Page, PageQuery, Schema, fields

MINUTES_MAX = 24 * 60


class Code(Schema):
    """The code shown at the shift; who leads the region needs none for somebody else."""

    example = {"code": "as-the-shift-shows-it"}

    code = fields.Text(64, load_default=None)


class CheckInCode(Schema):
    """The code to show at a shift now."""

    shift_id = ma.String(required=True)
    code = ma.String(required=True)
    expires_at = fields.When(required=True)


class PairSchema(Schema):
    """One check-in and, once there, its check-out."""

    in_at = fields.When(required=True)
    out_at = fields.When(allow_none=True)


class AttendanceSchema(Schema):
    """``present``, ``left`` or ``forgotten`` (the check-out), and the minutes inside the shift."""

    state = ma.String(required=True)
    pairs = ma.List(ma.Nested(PairSchema), required=True)
    minutes = ma.Integer(required=True)
    closes_at = fields.When(allow_none=True)
    decide_until = fields.When(allow_none=True)
    record_id = ma.String(allow_none=True)


class SignUpSchema(Schema):
    """One person's place on a shift; ``standing`` or ``withdrawn``."""

    sign_up_id = ma.String(required=True)
    shift_id = ma.String(required=True)
    activity_id = ma.String(required=True)
    district = ma.String(required=True)
    region = ma.String(required=True)
    volunteer_id = ma.String(required=True)
    state = ma.String(required=True)
    starts_at = fields.When(required=True)
    ends_at = fields.When(required=True)
    signed_up_at = fields.When(required=True)
    withdrawn_at = fields.When(allow_none=True)
    attendance = ma.Nested(AttendanceSchema, allow_none=True)


class Confirmation(Schema):
    """Nothing, or where the leader must decide, the minutes with a reason."""

    example = {}

    minutes = fields.Count(0, MINUTES_MAX, load_default=None)
    reason = fields.Text(500, load_default=None)

    @validates_schema
    def reasoned(self, data: dict[str, object], **_kwargs: object) -> None:
        """Refuse a decision without its reason."""
        if data["minutes"] is not None and data["reason"] is None:
            raise ValidationError("认定时长须说明理由 · A decision has a reason.", "reason")


class Correction(Schema):
    """The minutes as they should have been, and why."""

    example = {"minutes": 90, "reason": "提前离开 left early"}

    minutes = fields.Count(0, MINUTES_MAX, required=True)
    reason = fields.Text(500, required=True)


class VersionSchema(Schema):
    """What one version of a record said."""

    version = ma.Integer(required=True)
    minutes = ma.Integer(required=True)
    reason = ma.String(allow_none=True)
    by = ma.String(required=True)
    at = fields.When(required=True)


class RecordSchema(Schema):
    """A service record: ``CONFIRMED``, then ``BANKED`` with the number of its posting."""

    record_id = ma.String(required=True)
    sign_up_id = ma.String(required=True)
    shift_id = ma.String(required=True)
    activity_id = ma.String(required=True)
    district = ma.String(required=True)
    region = ma.String(required=True)
    volunteer_id = ma.String(required=True)
    version = ma.Integer(required=True)
    kind = ma.String(required=True)
    minutes = ma.Integer(required=True)
    state = ma.String(required=True)
    posted_n = ma.Integer(allow_none=True)
    confirmed_by = ma.String(required=True)
    served_at = fields.When(required=True)
    history = ma.List(ma.Nested(VersionSchema), required=True)


class RecordQuery(PageQuery):
    """My records, or those of a shift that I lead."""

    shift_id = fields.Id(load_default=None)


SignUpPage = Page(SignUpSchema)
RecordPage = Page(RecordSchema)
