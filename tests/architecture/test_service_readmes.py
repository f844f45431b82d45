"""What a service's README says of its endpoints and its events is what the code says."""

from __future__ import annotations

import importlib
import re

import pytest

from deploy.endpoints import BEGIN, END, NoPlaceForTable, readme, with_table
from shared import events

SERVICES = sorted({*events.SOURCES.values()})


def told_and_heard(text: str) -> tuple[set[str], set[str]]:
    """Return the events of the lines that begin with Tells and Hears."""
    lines = {
        verb: re.search(rf"^\*\*{verb}\*\* (.*?)\n\n", text, re.DOTALL | re.MULTILINE)
        for verb in ("Tells", "Hears")
    }
    told, heard = (
        set(re.findall(r"`(\w+)`", found[1] if found else "")) & set(events.EVENTS)
        for found in lines.values()
    )
    return told, heard


@pytest.mark.parametrize("service", SERVICES)
def test_the_endpoint_table_is_what_the_routes_say(service: str) -> None:
    text = readme(service).read_text()

    assert with_table(text, service) == text, "stale: python -m deploy.endpoints"


@pytest.mark.parametrize("service", SERVICES)
def test_events_told_and_heard_are_those_of_the_code(service: str) -> None:
    told, heard = told_and_heard(readme(service).read_text())
    handlers = importlib.import_module(f"services.{service}.handlers")

    assert told == {name for name, source in events.SOURCES.items() if source == service}
    assert heard == {kind.__name__ for kind in handlers.SUBSCRIPTIONS}


def test_a_readme_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(NoPlaceForTable):
        with_table("# A service without markers", "store")


def test_a_stale_table_is_noticed() -> None:
    stale = f"# The store\n\n{BEGIN}\n\n| old |\n\n{END}\n"

    assert with_table(stale, "store") != stale
    assert "| POST | `/v1/orders` | volunteer |" in with_table(stale, "store")
    assert with_table(with_table(stale, "store"), "store") == with_table(stale, "store")
