"""People over HTTP: oneself, those of one's region, names for a roster."""

from __future__ import annotations

from typing import Any

from services.volunteers import operations
from services.volunteers.routes.running import own_settings
from services.volunteers.schemas import (
    AskNames,
    ChangeStatus,
    EditProfile,
    Myself,
    Names,
    StatusChanged,
    Volunteer,
    VolunteerPage,
    VolunteerQuery,
)
from shared import clock
from shared.auth import Role
from shared.web import (
    Blueprint,
    etag,
    if_match,
    keyless,
    once,
    page,
    principal,
    requires,
    service_db,
    tagged,
)

people = Blueprint("people", __name__, url_prefix="/v1", description="志愿者 · Volunteers")


@people.get("/volunteers/me")
@requires(Role.VOLUNTEER)
@people.response(200, Myself)
@tagged
def show_me() -> dict[str, Any]:
    """Show oneself."""
    shown = operations.me(service_db(), who=principal(), settings=own_settings())
    etag(shown["revision"])
    return shown


@people.patch("/volunteers/me")
@requires(Role.VOLUNTEER)
@people.arguments(EditProfile)
@people.response(200, Myself)
@tagged
def edit_me(body: dict[str, Any]) -> dict[str, Any]:
    """Change one's name or region; wants If-Match."""
    database, settings, who = service_db(), own_settings(), principal()
    seen = operations.me(database, who=who, settings=settings)["revision"]
    if_match(seen)
    shown = database.unit_of_work(
        lambda work: operations.edit_profile(
            work,
            who=who,
            revision=seen,
            name=body.get("name"),
            region=body.get("region"),
            settings=settings,
        ),
        holding=f"person:{who.person_id}",
    )
    etag(shown["revision"])
    return shown


@people.get("/volunteers")
@requires(Role.ORGANISER, Role.ADMIN)
@people.arguments(VolunteerQuery, location="query")
@people.response(200, VolunteerPage)
def list_people(query: dict[str, Any]) -> dict[str, Any]:
    """List the people of one's scope, or of a region in it, in the order in which they joined."""
    found = operations.people(
        service_db(),
        who=principal(),
        region=query["region"],
        after=query["after"],
        limit=query["limit"],
        settings=own_settings(),
    )
    return page(found, query["limit"], key=lambda person: str(person["volunteer_id"]))


@people.get("/volunteers/<volunteer_id>")
@requires(Role.ORGANISER, Role.ADMIN)
@people.response(200, Volunteer)
def show_person(volunteer_id: str) -> dict[str, Any]:
    """Show a person of one's scope."""
    return operations.person(
        service_db(), who=principal(), person_id=volunteer_id, settings=own_settings()
    )


@people.post("/volunteers/<volunteer_id>/status-changes")
@requires(Role.ADMIN)
@people.arguments(ChangeStatus)
@people.response(201, StatusChanged)
def change_status(body: dict[str, Any], volunteer_id: str) -> Any:
    """Freeze, free or close a person of one's scope; closed is for ever."""
    who, settings = principal(), own_settings()
    return once(
        lambda work: operations.change_status(
            work, who=who, person_id=volunteer_id, **body, settings=settings, now=clock.now()
        ),
        holding=f"person:{volunteer_id}",
    )


@people.post("/volunteer-names")
@requires(Role.ORGANISER, Role.ADMIN)
@keyless
@people.arguments(AskNames)
@people.response(200, Names)
def roster_names(body: dict[str, Any]) -> dict[str, Any]:
    """Read numbers and names for a roster, up to 100; whoever is not there is left out."""
    found = operations.roster_names(
        service_db(), who=principal(), person_ids=body["volunteer_ids"], settings=own_settings()
    )
    return {"items": found}
