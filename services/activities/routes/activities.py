"""Activities over HTTP."""

from __future__ import annotations

from typing import Any

from services.activities import operations
from services.activities.schemas import (
    ActivityChange,
    ActivityPage,
    ActivityQuery,
    ActivitySchema,
    ActivityWithShifts,
    NewActivity,
    NewShift,
    ShiftPage,
    ShiftSchema,
)
from shared import clock
from shared.auth import Role
from shared.web import (
    Blueprint,
    PageQuery,
    anyone,
    etag,
    if_match,
    once,
    page,
    principal,
    principal_if_any,
    requires,
    service_db,
    tagged,
)

activities = Blueprint(
    "activities", __name__, url_prefix="/v1", description="活动 · Activities and their shifts"
)


@activities.post("/activities")
@requires(Role.ORGANISER, Role.ADMIN)
@activities.arguments(NewActivity)
@activities.response(201, ActivityWithShifts)
def create_activity(body: dict[str, Any]) -> Any:
    """Draft an activity, with shifts or without, in a region that one leads."""
    who = principal()
    return once(lambda work: operations.create_activity(work, who=who, now=clock.now(), **body))


@activities.get("/activities")
@anyone
@activities.arguments(ActivityQuery, location="query")
@activities.response(200, ActivityPage)
def list_activities(query: dict[str, Any]) -> dict[str, Any]:
    """List activities in the order in which they were made; drafts to who leads their region."""
    rows = operations.list_activities(
        service_db(),
        who=principal_if_any(),
        region=query["region"],
        status=query["status"],
        starts_after=query["starts_after"],
        after=query["after"],
        limit=query["limit"] + 1,
    )
    shown = page(rows, query["limit"], key=lambda row: str(row["order"]))
    return shown | {"items": [operations.activity_view(row) for row in shown["items"]]}


@activities.get("/activities/<activity_id>")
@anyone
@activities.response(200, ActivitySchema)
@tagged
def show_activity(activity_id: str) -> dict[str, Any]:
    """Show an activity; a draft to who leads its region."""
    view = operations.activity(service_db(), activity_id=activity_id, who=principal_if_any())
    etag(view["revision"])
    return view


@activities.patch("/activities/<activity_id>")
@requires(Role.ORGANISER, Role.ADMIN)
@activities.arguments(ActivityChange)
@activities.response(200, ActivitySchema)
@tagged
def change_activity(body: dict[str, Any], activity_id: str) -> dict[str, Any]:
    """Change title, summary or kind; wants If-Match with the tag that was last seen."""
    database, who = service_db(), principal()
    seen = operations.led_activity_view(database, activity_id=activity_id, who=who)
    if_match(seen["revision"])
    view = database.unit_of_work(
        lambda work: operations.change_activity(
            work, activity_id=activity_id, who=who, revision=seen["revision"], values=body
        )
    )
    etag(view["revision"])
    return view


@activities.post("/activities/<activity_id>/publications")
@requires(Role.ORGANISER, Role.ADMIN)
@activities.response(201, ActivitySchema)
def publish_activity(activity_id: str) -> Any:
    """Publish a draft whose shifts are all to come."""
    who = principal()
    return once(
        lambda work: operations.publish_activity(
            work, activity_id=activity_id, who=who, now=clock.now()
        )
    )


@activities.post("/activities/<activity_id>/closures")
@requires(Role.ORGANISER, Role.ADMIN)
@activities.response(201, ActivitySchema)
def close_activity(activity_id: str) -> Any:
    """Close a published activity: nobody signs up any more; who did still serves."""
    who = principal()
    return once(
        lambda work: operations.close_activity(
            work, activity_id=activity_id, who=who, now=clock.now()
        )
    )


@activities.post("/activities/<activity_id>/shifts")
@requires(Role.ORGANISER, Role.ADMIN)
@activities.arguments(NewShift)
@activities.response(201, ShiftSchema)
def add_shift(body: dict[str, Any], activity_id: str) -> Any:
    """Add one more shift that is to come; of a published activity it is open at once."""
    who = principal()
    return once(
        lambda work: operations.add_shift(
            work, activity_id=activity_id, who=who, now=clock.now(), **body
        )
    )


@activities.get("/activities/<activity_id>/shifts")
@anyone
@activities.arguments(PageQuery, location="query")
@activities.response(200, ShiftPage)
def list_shifts_of(query: dict[str, Any], activity_id: str) -> dict[str, Any]:
    """List an activity's shifts by time."""
    rows = operations.list_shifts_of(
        service_db(),
        activity_id=activity_id,
        who=principal_if_any(),
        after=query["after"],
        limit=query["limit"] + 1,
    )
    shown = page(rows, query["limit"], key=lambda row: str(row["order"]))
    return shown | {"items": [operations.shift_row_view(row) for row in shown["items"]]}
