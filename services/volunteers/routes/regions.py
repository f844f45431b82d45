"""Regions over HTTP, for everybody."""

from __future__ import annotations

from typing import Any

from services.volunteers import operations
from services.volunteers.schemas import Region, RegionPage, RegionQuery
from shared.web import Blueprint, page, public, service_db

regions = Blueprint(
    "regions",
    __name__,
    url_prefix="/v1",
    description="区划 · Regions",
    examples={"code": "430211"},
)


@regions.get("/regions")
@public
@regions.arguments(RegionQuery, location="query")
@regions.response(200, RegionPage)
def list_regions(query: dict[str, Any]) -> dict[str, Any]:
    """List regions by parent and level, in the order of their codes."""
    found = operations.regions(service_db(), **query)
    return page(found, query["limit"], key=lambda region: str(region["code"]))


@regions.get("/regions/<code>")
@public
@regions.response(200, Region)
def show_region(code: str) -> dict[str, Any]:
    """Show a region."""
    return operations.region(service_db(), code)
