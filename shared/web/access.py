"""Who may call a route: every route says it, and an app with one that does not will not start."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, current_app, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from shared.auth import KeysNotThere, NotSignedIn, Principal, Role, TokenNotValid, Verifier
from shared.errors import Busy, NotAllowed, Refusal
from shared.web.blueprint import Parser
from shared.web.describing import takes_body
from shared.web.schemas import Schema

BODY_BYTES_MAX = 64 * 1024

View = TypeVar("View", bound=Callable[..., Any])


class RouteWithoutRole(RuntimeError):
    """A route names no role; the app refuses to start."""


def requires(*roles: Role) -> Callable[[View], View]:
    """Let in whoever has one of these roles in any region; others get 401 or 403.

    Region and ownership are for the operation to check: in its filter, or with ``may``.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            who = principal()
            if not any(who.has(role) for role in roles):
                raise NotAllowed
            _take_body()
            return view(*args, **kwargs)

        names = [role.value for role in roles]
        _mark(guarded, {"x-roles": names, "security": [{"bearer": []}]}, roles)
        return cast("View", guarded)

    return decorate


def public(view: View) -> View:
    """Let everybody in, whoever they are: a token that comes along is not looked at."""

    @wraps(view)
    def open_to_all(*args: Any, **kwargs: Any) -> Any:
        _take_body()
        return view(*args, **kwargs)

    _mark(open_to_all, {"x-roles": [], "security": []}, ())
    return cast("View", open_to_all)


def anyone(view: View) -> View:
    """Let everybody in, and see who it is where a token comes along; a wrong one is refused."""
    let_in = public(view)
    _mark(let_in, {"x-roles": [], "security": [{}, {"bearer": []}]}, ())
    return let_in


def body_limit(bytes_max: int) -> Callable[[View], View]:
    """Let a route take a larger body than 64 KiB. Stands anywhere below the route."""

    def decorate(view: View) -> View:
        view.body_bytes_max = bytes_max  # type: ignore[attr-defined]
        return view

    return decorate


def principal() -> Principal:
    """Return who asks; raise 401 where nobody said who, or said it wrongly."""
    who: Principal | Refusal | Busy | None = g.get("who")
    if who is None:
        raise NotSignedIn
    if isinstance(who, Refusal | Busy):
        raise who
    return who


def principal_if_any() -> Principal | None:
    """Return who asks on an ``anyone`` route; None without a token, 401 with a wrong one."""
    return principal() if g.get("who") is not None else None


def person_known() -> str | None:
    """Return the id of who asks; None where that is not known."""
    who = g.get("who")
    return who.person_id if isinstance(who, Principal) else None


def read_token(verifier: Verifier) -> None:
    """Remember who asks for the rest of the request; a refusal is raised only where it matters."""
    header = request.headers.get("Authorization", "")
    scheme, _, token = header.partition(" ")
    if not header:
        g.who = None
    elif scheme.lower() != "bearer" or not token:
        g.who = TokenNotValid()
    else:
        try:
            g.who = verifier.principal(token.strip())
        except TokenNotValid as refusal:
            g.who = refusal
        except KeysNotThere:
            g.who = Busy("no key set yet")


def check_routes(app: Flask) -> None:
    """Raise :class:`RouteWithoutRole` where a route does not say who may call it."""
    for rule in app.url_map.iter_rules():
        if not hasattr(app.view_functions[rule.endpoint], "allowed_roles"):
            raise RouteWithoutRole(f"{rule} names no role: @requires(…) or @public")


def _take_body() -> None:
    """Read the body whole, within the route's limit, so that its digest and its schema agree."""
    if request.method in ("POST", "PUT", "PATCH"):
        view = current_app.view_functions[request.endpoint or ""]
        most = getattr(view, "body_bytes_max", BODY_BYTES_MAX)
        request.max_content_length = most
        body = request.get_data(cache=True)
        # A body without a length is cut off at the limit in silence: nobody may act on half of it.
        if request.content_length is None and len(body) >= most:
            raise RequestEntityTooLarge
        if body and not takes_body(view):
            # Whoever says something here believes that it counts: unknown fields are errors.
            Parser().parse(Schema(), request)


def _mark(guarded: Any, shown: dict[str, Any], roles: tuple[Role, ...]) -> None:
    guarded.allowed_roles = roles
    guarded._apidoc = deepcopy(getattr(guarded, "_apidoc", {}))
    guarded._apidoc.setdefault("manual_doc", {}).update(shown)
