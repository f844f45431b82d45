"""One's sign-ups: withdrawing, checking in and out, and what the service is worth."""

from __future__ import annotations

from typing import Any, cast

from services.activities import operations
from services.activities.schemas import (
    Code,
    Confirmation,
    RecordSchema,
    SignUpPage,
    SignUpSchema,
)
from services.activities.settings import ActivitiesSettings
from shared import clock
from shared.auth import Role
from shared.settings import KeyRing
from shared.web import (
    Blueprint,
    PageQuery,
    Waiter,
    once,
    page,
    principal,
    requires,
    service_db,
)

BANKED = Waiter(service_db, "records", done=lambda record: bool(record["state"] == "BANKED"))

sign_ups = Blueprint(
    "sign-ups", __name__, url_prefix="/v1", description="报名与签到 · Sign-ups and attendance"
)


@sign_ups.get("/sign-ups")
@requires(Role.VOLUNTEER)
@sign_ups.arguments(PageQuery, location="query")
@sign_ups.response(200, SignUpPage)
def list_own_sign_ups(query: dict[str, Any]) -> dict[str, Any]:
    """List one's own sign-ups, the latest shift first."""
    rows = operations.list_own_sign_ups(
        service_db(),
        volunteer_id=principal().person_id,
        after=query["after"],
        limit=query["limit"] + 1,
    )
    shown = page(rows, query["limit"], key=lambda row: str(row["order"]))
    return shown | {"items": operations.sign_up_views(service_db(), shown["items"])}


@sign_ups.get("/sign-ups/<sign_up_id>")
@requires(Role.VOLUNTEER)
@sign_ups.response(200, SignUpSchema)
def show_sign_up(sign_up_id: str) -> dict[str, Any]:
    """Show a sign-up with its attendance to its volunteer and to who leads the region."""
    return operations.one_sign_up(service_db(), sign_up_id=sign_up_id, who=principal())


@sign_ups.post("/sign-ups/<sign_up_id>/withdrawals")
@requires(Role.VOLUNTEER)
@sign_ups.response(201, SignUpSchema)
def withdraw(sign_up_id: str) -> Any:
    """Give one's place back in time."""
    who, database = principal(), service_db()
    shift_id = operations.own_shift_of(database, sign_up_id=sign_up_id, volunteer_id=who.person_id)
    return once(
        lambda work: operations.withdraw(
            work,
            sign_up_id=sign_up_id,
            volunteer_id=who.person_id,
            now=clock.now(),
            zone=database.settings.time_zone,
        ),
        holding=f"shift:{shift_id}",
    )


@sign_ups.post("/sign-ups/<sign_up_id>/check-ins")
@requires(Role.VOLUNTEER)
@sign_ups.arguments(Code)
@sign_ups.response(201, SignUpSchema)
def check_in(body: dict[str, Any], sign_up_id: str) -> Any:
    """Check in with the code shown at the shift; who leads the region does it without, for others.

    A code is good for seconds: whoever tries again with a new one names it a new wish.
    """
    who = principal()
    return once(
        lambda work: operations.check_in(
            work, sign_up_id=sign_up_id, who=who, now=clock.now(), keys=_keys(), **body
        )
    )


@sign_ups.post("/sign-ups/<sign_up_id>/check-outs")
@requires(Role.VOLUNTEER)
@sign_ups.arguments(Code)
@sign_ups.response(201, SignUpSchema)
def check_out(body: dict[str, Any], sign_up_id: str) -> Any:
    """Check out, like checking in."""
    who = principal()
    return once(
        lambda work: operations.check_out(
            work, sign_up_id=sign_up_id, who=who, now=clock.now(), keys=_keys(), **body
        )
    )


@sign_ups.post("/sign-ups/<sign_up_id>/service-records")
@requires(Role.ORGANISER, Role.ADMIN)
@sign_ups.arguments(Confirmation)
@sign_ups.response(202, RecordSchema)
def confirm_service(body: dict[str, Any], sign_up_id: str) -> Any:
    """Confirm a service that one did not serve; ``Prefer: wait`` waits until it is banked."""
    who = principal()
    return once(
        lambda work: operations.confirm_service(
            work,
            sign_up_id=sign_up_id,
            who=who,
            now=clock.now(),
            real_now=clock.real_now(),
            **body,
        ),
        status=202,
        renew=lambda answer: operations.one_record(
            service_db(), record_id=answer["record_id"], who=who
        ),
        wait=lambda answer, seconds: BANKED.wait(answer["record_id"], seconds),
    )


def _keys() -> KeyRing:
    return cast("ActivitiesSettings", service_db().settings).check_in_keys
