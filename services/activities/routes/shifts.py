"""Shifts, signing up and withdrawing over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from services.activities import operations
from services.activities.schemas import (
    CheckInCode,
    ShiftPage,
    ShiftQuery,
    ShiftSchema,
    SignUpPage,
    SignUpSchema,
)
from services.activities.settings import ActivitiesSettings
from shared import clock
from shared.auth import Role
from shared.web import (
    Blueprint,
    PageQuery,
    anyone,
    once,
    page,
    principal,
    principal_if_any,
    public,
    requires,
    service_db,
)

SHOWN_AHEAD = timedelta(days=31)

shifts = Blueprint("shifts", __name__, url_prefix="/v1", description="班次 · Shifts and places")


@shifts.get("/shifts")
@public
@shifts.arguments(ShiftQuery, location="query")
@shifts.response(200, ShiftPage)
def list_shifts(query: dict[str, Any]) -> dict[str, Any]:
    """List published shifts by time: from now where no ``from`` is given, for 31 days."""
    starts_from = query["starts_from"] or clock.now()
    rows = operations.list_shifts(
        service_db(),
        region=query["region"] or "",
        starts_from=starts_from,
        starts_before=query["starts_before"] or starts_from + SHOWN_AHEAD,
        after=query["after"],
        limit=query["limit"] + 1,
    )
    shown = page(rows, query["limit"], key=lambda row: str(row["order"]))
    return shown | {"items": [operations.shift_row_view(row) for row in shown["items"]]}


@shifts.get("/shifts/<shift_id>")
@anyone
@shifts.response(200, ShiftSchema)
def show_shift(shift_id: str) -> dict[str, Any]:
    """Show a shift and how many of its places are taken."""
    return operations.shift(service_db(), shift_id=shift_id, who=principal_if_any())


@shifts.post("/shifts/<shift_id>/sign-ups")
@requires(Role.VOLUNTEER)
@shifts.response(201, SignUpSchema)
def sign_up(shift_id: str) -> Any:
    """Take a place of a shift."""
    who, zone = principal(), service_db().settings.time_zone
    return once(
        lambda work: operations.sign_up(
            work, shift_id=shift_id, volunteer_id=who.person_id, now=clock.now(), zone=zone
        ),
        holding=f"shift:{shift_id}",
        look=lambda work: operations.refuse_where_full(
            work, shift_id=shift_id, volunteer_id=who.person_id, now=clock.now(), zone=zone
        ),
    )


@shifts.get("/shifts/<shift_id>/sign-ups")
@requires(Role.ORGANISER, Role.ADMIN)
@shifts.arguments(PageQuery, location="query")
@shifts.response(200, SignUpPage)
def list_sign_ups_for(query: dict[str, Any], shift_id: str) -> dict[str, Any]:
    """List who signed up, in the order in which they came, to who leads the region."""
    rows = operations.list_sign_ups_for(
        service_db(),
        shift_id=shift_id,
        who=principal(),
        after=query["after"],
        limit=query["limit"] + 1,
    )
    shown = page(rows, query["limit"], key=lambda row: str(row["order"]))
    return shown | {"items": operations.sign_up_views(service_db(), shown["items"])}


@shifts.get("/shifts/<shift_id>/check-in-code")
@requires(Role.ORGANISER, Role.ADMIN)
@shifts.response(200, CheckInCode)
def check_in_code(shift_id: str) -> dict[str, Any]:
    """Show the code for check-in and check-out of this moment; it lives for 15 to 30 seconds."""
    settings = cast("ActivitiesSettings", service_db().settings)
    return operations.check_in_code(
        service_db(),
        shift_id=shift_id,
        who=principal(),
        now=clock.now(),
        keys=settings.check_in_keys,
    )
