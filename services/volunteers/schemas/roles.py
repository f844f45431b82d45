"""Roles."""

from __future__ import annotations

import marshmallow as ma

from services.volunteers import model
from shared.web import Page, Schema, fields


class GrantRole(Schema):
    """A role and the region within which it holds."""

    example = {"role": "organiser", "region": "430211001"}

    role = ma.fields.String(required=True, validate=ma.validate.OneOf(model.GRANTED))
    region = fields.RegionCode(required=True)


class RevokeRole(Schema):
    """Which grant is taken away."""

    example = {"grant_id": "01KASAMP1E0000000000000000"}

    grant_id = fields.Id(required=True)


class Grant(Schema):
    """A role that was granted."""

    grant_id = fields.Id()
    volunteer_id = fields.Id()
    role = ma.fields.String()
    region = fields.RegionCode()
    granted_by = fields.Id()
    granted_at = fields.When()
    revoked_by = fields.Id(allow_none=True)
    revoked_at = fields.When(allow_none=True)


GrantPage = Page(Grant)
