"""Regions."""

from __future__ import annotations

import marshmallow as ma

from shared import regions
from shared.web import Page, PageQuery, Schema, fields


class Region(Schema):
    """A district, street or community."""

    code = fields.RegionCode()
    name = ma.fields.String()
    parent = ma.fields.String()
    level = ma.fields.String()


RegionPage = Page(Region)


class RegionQuery(PageQuery):
    """Directly below which region, and of which level."""

    parent = fields.Text(
        12,
        load_default=None,
        validate=ma.validate.Regexp(r"[0-9]+\Z"),
        metadata={"pattern": "^[0-9]{1,12}$"},
    )
    level = ma.fields.String(load_default=None, validate=ma.validate.OneOf(list(regions.LENGTHS)))
