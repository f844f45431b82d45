"""What each kind of request does: the effects that an answer lays claim to.

An effect is a name, e.g. ``order:<id>``. Every acknowledged request must find its effects in the
databases, and every effect there must have exactly one request.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Body = Mapping[str, Any]
Claims = Callable[[Body, Body, tuple[str, ...]], list[str]]
"""``(body, asked, names in the path)`` → effects."""


@dataclass(frozen=True)
class Action:
    """One kind of request that changes something."""

    name: str
    service: str
    method: str
    path: re.Pattern[str]
    claims: Claims


def _action(name: str, service: str, route: str, claims: Claims, method: str = "POST") -> Action:
    pattern = re.compile(re.sub(r"<\w+>", "([^/]+)", route) + "$")
    return Action(name, service, method, pattern, claims)


def _session(body: Body) -> str:
    if "refresh_token" in body:
        sign_in_id, serial, *_ = str(body["refresh_token"]).split(".")
    else:  # what the service keeps of the answer has no token
        sign_in_id, serial = body["sign_in_id"], body["serial"]
    return f"session:{sign_in_id}.{serial}"


def _status(body: Body, _asked: Body, names: tuple[str, ...]) -> list[str]:
    # Whose status is changed does not edit a profile in this load, so version and revision agree.
    version = body["version"]
    return [f"status:{names[0]}:{version}", f"revision:{names[0]}:{version}"]


ACTIONS = (
    _action(
        "ask for a code",
        "volunteers",
        "/phone-confirmations",
        lambda body, _asked, _names: [f"confirmation:{body['confirmation_id']}"],
    ),
    _action(
        "register",
        "volunteers",
        "/volunteers",
        lambda body, _asked, _names: [f"person:{body['volunteer_id']}", _session(body)],
    ),
    _action("sign in", "volunteers", "/sessions", lambda body, _a, _n: [_session(body)]),
    _action("refresh", "volunteers", "/session-refreshes", lambda body, _a, _n: [_session(body)]),
    _action(
        "sign out",
        "volunteers",
        "/session-ends",
        lambda _body, asked, _n: [f"session-end:{str(asked['refresh_token']).split('.')[0]}"],
    ),
    _action(
        "grant a role",
        "volunteers",
        "/volunteers/<id>/roles",
        lambda body, _asked, _names: [f"grant:{body['grant_id']}"],
    ),
    _action(
        "revoke a role",
        "volunteers",
        "/role-revocations",
        lambda _body, asked, _names: [f"revoked:{asked['grant_id']}"],
    ),
    _action("change a status", "volunteers", "/volunteers/<id>/status-changes", _status),
    _action(
        "edit a profile",
        "volunteers",
        "/volunteers/me",
        lambda body, _asked, _names: [f"revision:{body['volunteer_id']}:{body['revision']}"],
        "PATCH",
    ),
    _action(
        "draft an activity",
        "activities",
        "/activities",
        lambda body, asked, _names: [
            f"activity:{body['activity_id']}",
            *(f"shift:{body['activity_id']}:{n}" for n in range(len(asked.get("shifts", ())))),
        ],
    ),
    _action(
        "publish an activity",
        "activities",
        "/activities/<id>/publications",
        lambda _body, _asked, names: [f"published:{names[0]}"],
    ),
    _action(
        "close an activity",
        "activities",
        "/activities/<id>/closures",
        lambda _body, _asked, names: [f"closed:{names[0]}"],
    ),
    _action(
        "sign up",
        "activities",
        "/shifts/<id>/sign-ups",
        lambda body, _asked, _names: [f"sign-up:{body['sign_up_id']}"],
    ),
    _action(
        "withdraw",
        "activities",
        "/sign-ups/<id>/withdrawals",
        lambda _body, _asked, names: [f"withdrawn:{names[0]}"],
    ),
    _action(
        "check in",
        "activities",
        "/sign-ups/<id>/check-ins",
        lambda body, _asked, names: [f"in:{names[0]}:{len(body['attendance']['pairs'])}"],
    ),
    _action(
        "check out",
        "activities",
        "/sign-ups/<id>/check-outs",
        lambda body, _asked, names: [f"out:{names[0]}:{len(body['attendance']['pairs'])}"],
    ),
    _action(
        "confirm",
        "activities",
        "/sign-ups/<id>/service-records",
        lambda body, _asked, names: [f"confirmed:{names[0]}", f"record:{body['record_id']}"],
    ),
    _action(
        "correct",
        "activities",
        "/service-records/<id>/corrections",
        lambda _body, asked, names: [f"corrected:{names[0]}:{asked['reason']}"],
    ),
    _action(
        "apply as a merchant",
        "store",
        "/merchants",
        lambda body, _asked, _names: [f"merchant:{body['merchant_id']}"],
    ),
    _action(
        "approve a merchant",
        "store",
        "/merchants/<id>/approvals",
        lambda _body, _asked, names: [f"approved:{names[0]}"],
    ),
    _action(
        "put an item on the shelf",
        "store",
        "/merchants/<id>/items",
        lambda body, asked, _names: [
            f"item:{body['item_id']}",
            *pieces(body["item_id"], asked["pieces"]),
        ],
    ),
    _action(
        "stock arrives",
        "store",
        "/items/<id>/stock-arrivals",
        lambda _body, asked, names: pieces(names[0], asked["pieces"]),
    ),
    _action(
        "edit an item",
        "store",
        "/items/<id>",
        lambda body, _asked, _names: [f"item-revision:{body['item_id']}:{body['revision']}"],
        "PATCH",
    ),
    _action(
        "order",
        "store",
        "/orders",
        lambda body, _asked, _names: [f"order:{body['order_id']}"],
    ),
    _action(
        "cancel",
        "store",
        "/orders/<id>/cancellations",
        lambda _body, _asked, names: [f"cancelled:{names[0]}"],
    ),
    _action(
        "use a voucher",
        "store",
        "/merchants/<id>/voucher-uses",
        lambda body, _asked, _names: [f"used:{body['order_id']}"],
    ),
)


def action_of(service: str, method: str, path: str) -> tuple[Action, tuple[str, ...]] | None:
    """Return the kind of a request and the names in its path; None for one that changes nothing."""
    for action in ACTIONS:
        if action.service == service and action.method == method:
            matched = action.path.match(path)
            if matched:
                return action, matched.groups()
    return None


def pieces(item_id: str, count: int) -> list[str]:
    """Return one effect per piece."""
    # Pieces are alike: what is held against the database is how many there ever were.
    return [f"piece:{item_id}"] * count
