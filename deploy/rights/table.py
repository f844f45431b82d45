"""Who may do what on which server, as the code itself says.

What a service tells and hears is its `SUBSCRIPTIONS` and its topic; what it keeps is the
collections that it makes. Nothing of it is written down a second time.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from deploy.installation import SERVICES
from services.ledger import repository as ledger
from shared import events
from shared.kafka import group_prefix
from shared.mongo import SHARED_INDEXES

OPERATOR = "operator"
"""As whom `deploy` comes: super user of the broker, all services' rights in MongoDB."""

# No service drops, renames or changes a collection once it is there.
MAY_MAKE = ("createCollection", "createIndex", "listCollections", "listIndexes")
MAY_CHANGE = (*MAY_MAKE, "find", "insert", "update", "remove")
MAY_ADD = (*MAY_MAKE, "find", "insert")
ONLY_GROWS: Mapping[str, Sequence[str]] = {"ledger": ("journal",)}
"""Collections of which nothing may be updated or deleted, by whomever."""


@dataclass(frozen=True, order=True)
class Right:
    """One thing that a service may do on the broker; `prefix`: with all names that begin so."""

    on: Literal["topic", "group"]
    name: str
    may: Literal["READ", "WRITE"]
    prefix: bool = False


def heard_topics(service: str) -> list[str]:
    """Return the topics whose events a service subscribed to."""
    handlers = importlib.import_module(f"services.{service}.handlers")
    return sorted({events.topic_of(events.source_of(kind)) for kind in handlers.SUBSCRIPTIONS})


def broker_rights(service: str) -> frozenset[Right]:
    """Return all that a service may do on the broker; what is not here is refused.

    To write or read a topic includes to describe it; to read with a group, to join and commit.
    """
    return frozenset(
        {
            Right("topic", events.topic_of(service), "WRITE"),
            Right("group", group_prefix(service), "READ", prefix=True),
            *(Right("topic", topic, "READ") for topic in heard_topics(service)),
        }
    )


def role_name(service: str, database_prefix: str) -> str:
    """Return the name of a service's role in the database `admin`: that of its database."""
    return f"{database_prefix}{service}"


def privileges(service: str, database_prefix: str) -> list[dict[str, Any]]:
    """Return a service's privileges in MongoDB: its own database, and what only grows only grows.

    A privilege cannot be taken away from a wider one, so where something only grows, every
    collection is named. Ending the sessions of one's own user needs no privilege.
    """
    database = database_prefix + service
    if service not in ONLY_GROWS:
        return [_privilege(database, "", MAY_CHANGE)]
    return [
        _privilege(database, "", ("listCollections",)),
        *(
            _privilege(database, name, MAY_ADD if name in ONLY_GROWS[service] else MAY_CHANGE)
            for name in collections(service)
        ),
    ]


def collections(service: str) -> list[str]:
    """Return the collections of a service of which something only grows."""
    own = {"ledger": ledger.INDEXES}[service]
    return sorted({*SHARED_INDEXES, *own})


def users() -> dict[str, list[str]]:
    """Return every user and the services whose roles it has."""
    return {**{service: [service] for service in SERVICES}, OPERATOR: list(SERVICES)}


def _privilege(database: str, collection: str, actions: Sequence[str]) -> dict[str, Any]:
    return {"resource": {"db": database, "collection": collection}, "actions": sorted(actions)}
