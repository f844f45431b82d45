"""The Flask app factory and what routes and schemas are written with."""

from shared.web.access import anyone, body_limit, principal, principal_if_any, public, requires
from shared.web.app import create_app, service_db
from shared.web.blueprint import Blueprint
from shared.web.conditional import etag, if_match
from shared.web.describing import also, tagged
from shared.web.idempotency import keyless, once
from shared.web.rules import rules_blueprint
from shared.web.schemas import Page, PageQuery, Schema, page
from shared.web.waiting import Waiter, prefer_wait

__all__ = [
    "Blueprint",
    "Page",
    "PageQuery",
    "Schema",
    "Waiter",
    "also",
    "anyone",
    "body_limit",
    "create_app",
    "etag",
    "if_match",
    "keyless",
    "once",
    "page",
    "prefer_wait",
    "principal",
    "principal_if_any",
    "public",
    "requires",
    "rules_blueprint",
    "service_db",
    "tagged",
]
