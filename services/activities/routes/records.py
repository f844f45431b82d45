"""Service records over HTTP."""

from __future__ import annotations

from typing import Any

from services.activities import operations
from services.activities.routes.sign_ups import BANKED
from services.activities.schemas import Correction, RecordPage, RecordQuery, RecordSchema
from shared import clock
from shared.auth import Role
from shared.web import Blueprint, also, once, page, principal, requires, service_db

records = Blueprint(
    "service-records", __name__, url_prefix="/v1", description="服务记录 · Service records"
)


@records.get("/service-records")
@requires(Role.VOLUNTEER)
@records.arguments(RecordQuery, location="query")
@records.response(200, RecordPage)
@also(404, "There is no such shift, or none that the asker leads.")
def list_records(query: dict[str, Any]) -> dict[str, Any]:
    """List one's own records, the latest first; with ``shift_id`` those of a shift one leads."""
    asked = {"after": query["after"], "limit": query["limit"] + 1}
    who = principal()
    if query["shift_id"] is None:
        rows = operations.list_own_records(service_db(), volunteer_id=who.person_id, **asked)
    else:
        rows = operations.list_records_for(
            service_db(), shift_id=query["shift_id"], who=who, **asked
        )
    shown = page(rows, query["limit"], key=lambda row: str(row["order"]))
    return shown | {"items": [operations.record_view(row) for row in shown["items"]]}


@records.get("/service-records/<record_id>")
@requires(Role.VOLUNTEER)
@records.response(200, RecordSchema)
def show_record(record_id: str) -> dict[str, Any]:
    """Show a record to its volunteer and to who leads the region; may wait until it is banked."""
    database, who = service_db(), principal()
    operations.one_record(database, record_id=record_id, who=who)
    BANKED.wait(record_id)
    return operations.one_record(database, record_id=record_id, who=who)


@records.post("/service-records/<record_id>/corrections")
@requires(Role.ORGANISER, Role.ADMIN)
@records.arguments(Correction)
@records.response(202, RecordSchema)
def correct_service(body: dict[str, Any], record_id: str) -> Any:
    """Correct a record that one did not serve; ``Prefer: wait`` waits until it is banked."""
    who = principal()
    return once(
        lambda work: operations.correct_service(
            work,
            record_id=record_id,
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
