"""Generated documents are committed, and fresh; what the design says of the conversation is so."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator

import pytest

from deploy import docs
from deploy.audit.logs import HEARS
from deploy.embedded.system import SERVICES as EMBEDDED
from deploy.installation import SERVICES
from shared import events


@pytest.fixture
def _quiet() -> Iterator[None]:
    """Give the root logger back as it was: making an app takes it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def subscriptions(service: str) -> set[str]:
    handlers = importlib.import_module(f"services.{service}.handlers")
    return {kind.__name__ for kind in handlers.SUBSCRIPTIONS}


@pytest.mark.usefixtures("_quiet")
def test_generated_documents_are_fresh() -> None:
    stale = [
        str(path.relative_to(docs.DOCS.parent))
        for path, text in docs.pages().items()
        if not path.exists() or path.read_text() != text
    ]

    assert not stale, "stale: python -m deploy.docs"


def test_every_event_is_heard_by_somebody() -> None:
    heard = set().union(*(subscriptions(service) for service in SERVICES))

    assert heard == set(events.EVENTS)


def test_the_audit_knows_who_hears_whom() -> None:
    found = {
        service: tuple(sorted({events.source_of(name) for name in subscriptions(service)}))
        for service in SERVICES
    }

    assert found == dict(HEARS)


def test_all_that_operate_the_system_know_the_same_services() -> None:
    assert set(SERVICES) == set(EMBEDDED) == set(events.SOURCES.values()) == set(docs.SERVICES)
