"""Every route says who may call it, and what everybody may call is written down here."""

from __future__ import annotations

import importlib

import pytest
from flask import Flask

from shared.auth import Role
from shared.web.blueprint import Blueprint

SERVICES = ("volunteers", "activities", "ledger", "store")
# Opening a route to everybody is a change of this table, and so a line in a review.
OPEN = {
    "volunteers": {
        "GET /.well-known/jwks.json",
        "GET /v1/regions",
        "GET /v1/districts/<district>/rules",
        "GET /v1/regions/<code>",
        "POST /v1/phone-confirmations",
        "POST /v1/session-ends",
        "POST /v1/session-refreshes",
        "POST /v1/sessions",
        "POST /v1/volunteers",
    },
    "activities": {
        "GET /v1/districts/<district>/rules",
        "GET /v1/activities",
        "GET /v1/activities/<activity_id>",
        "GET /v1/activities/<activity_id>/shifts",
        "GET /v1/shifts",
        "GET /v1/shifts/<shift_id>",
    },
    "ledger": set(),
    "store": {
        "GET /v1/districts/<district>/rules",
        "GET /v1/items",
        "GET /v1/items/<item_id>",
    },
}
READS = ("GET", "HEAD", "OPTIONS")


def routes(service: str) -> dict[str, tuple[Role, ...] | None]:
    """Return the roles of each route; None where it says nothing."""
    app = Flask(f"rules.{service}", static_folder=None)
    blueprints: list[Blueprint] = importlib.import_module(f"services.{service}.routes").BLUEPRINTS
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    return {
        f"{method} {rule.rule}": getattr(app.view_functions[rule.endpoint], "allowed_roles", None)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_route_names_its_roles(service: str) -> None:
    found = routes(service)

    assert found
    assert not [route for route, roles in found.items() if roles is None]


@pytest.mark.parametrize("service", SERVICES)
def test_what_everybody_may_call_is_written_down(service: str) -> None:
    everybody = {route for route, roles in routes(service).items() if roles == ()}

    assert everybody == OPEN[service]


@pytest.mark.parametrize("service", SERVICES)
def test_a_path_is_versioned_plural_and_kebab_case(service: str) -> None:
    for route in routes(service):
        path = route.partition(" ")[2]
        if path.startswith("/.well-known/"):
            continue
        version, *rest = path.strip("/").split("/")
        words = [word for word in rest if not word.startswith("<")]
        assert version == "v1", route
        assert all(word == word.lower() and "_" not in word for word in words), route
        assert rest[0].endswith("s"), route


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_deleted_through_http(service: str) -> None:
    methods = {route.partition(" ")[0] for route in routes(service)}

    assert methods <= {"GET", "POST", "PUT", "PATCH"}
