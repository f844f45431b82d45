"""People, as they see themselves and as organisers and administrators see them."""

from __future__ import annotations

import marshmallow as ma

from services.volunteers import model
from services.volunteers.schemas.sign_ins import Role
from shared.web import Page, PageQuery, Schema, fields

NAMES_MAX = 100


class Volunteer(Schema):
    """A person."""

    volunteer_id = fields.Id()
    number = ma.fields.String()
    name = ma.fields.String(allow_none=True)
    region = fields.RegionCode()
    status = ma.fields.String()
    registered_at = fields.When()


VolunteerPage = Page(Volunteer)


class Myself(Volunteer):
    """Oneself."""

    phone = ma.fields.String(metadata={"description": "All but the first three and last four."})
    roles = ma.fields.List(ma.fields.Nested(Role))
    revision = fields.Count()


class EditProfile(Schema):
    """What one may change of oneself; what is left out stays."""

    example = {"name": "王小明"}

    name = fields.Text(40)
    region = fields.RegionCode()

    @ma.validates_schema
    def something(self, data: dict[str, object], **_kwargs: object) -> None:
        """Refuse a change of nothing."""
        if not data:
            raise ma.ValidationError("没有任何修改 · Nothing to change.")


class VolunteerQuery(PageQuery):
    """Whose region lies in this one."""

    region = fields.RegionCode(load_default=None)


class ChangeStatus(Schema):
    """A status and why."""

    example = {"status": "frozen", "reason": "核实身份 being verified"}

    status = ma.fields.String(
        required=True, validate=ma.validate.OneOf([status.value for status in model.Status])
    )
    reason = fields.Text(200, required=True)


class StatusChanged(Schema):
    """The status now, and how many events have told of the person."""

    volunteer_id = fields.Id()
    status = ma.fields.String()
    version = fields.Count()


class AskNames(Schema):
    """Whose names a roster needs."""

    example = {"volunteer_ids": ["01KASAMP1E0000000000000000"]}

    volunteer_ids = ma.fields.List(
        fields.Id(), required=True, validate=ma.validate.Length(min=1, max=NAMES_MAX)
    )


class Named(Schema):
    """A person's number and name; null where the name is not for the asker, or erased."""

    volunteer_id = fields.Id()
    number = ma.fields.String()
    name = ma.fields.String(allow_none=True)


class Names(Schema):
    """The people found."""

    items = ma.fields.List(ma.fields.Nested(Named))
