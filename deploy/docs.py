"""The documents that are made from the code: `docs/events.md` and `docs/openapi/<service>.json`.

`python -m deploy.docs` writes them anew; a test holds that they are fresh.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from shared import events, web
from shared.events import Event
from shared.mongo import ServiceDatabase
from shared.settings import Settings
from shared.worker.handling import Alone

DOCS = Path(__file__).resolve().parents[1] / "docs"
SERVICES = ("volunteers", "activities", "store", "ledger")
INTRODUCTION = """\
# The conversation

*Made from `shared/events` and the services' `SUBSCRIPTIONS` by `python -m deploy.docs`.*

Every event is a CloudEvent 1.0 in binary mode: the attributes are headers (`ce_id`, `ce_type`,
`ce_source`, `ce_subject`, `ce_time`, `traceparent`), the body is JSON of the fields below; times
are ISO 8601 in UTC with milliseconds. It is told at least once; its id makes a second delivery
harmless. What has the same key lies in one partition, in order. No event carries personal data.
"""


def pages() -> dict[Path, str]:
    """Return every document that is made, by where it lies."""
    made = {DOCS / "events.md": events_page()}
    for service in SERVICES:
        made[DOCS / "openapi" / f"{service}.json"] = openapi(service)
    return made


def openapi(service: str) -> str:
    """Return a service's OpenAPI document as its `/openapi.json` answers it."""
    settings = Settings(
        mode="production", mongo_uri="", kafka_bootstrap="", jwks_url="", log_level="ERROR"
    )
    client: MongoClient[dict[str, Any]] = MongoClient(connect=False)
    try:
        app = web.create_app(
            settings,
            service=service,
            database=ServiceDatabase(client, service, settings),
            blueprints=importlib.import_module(f"services.{service}.routes").BLUEPRINTS,
        )
        shown = app.test_client().get("/openapi.json").get_json()
    finally:
        client.close()
    return json.dumps(shown, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def events_page() -> str:
    """Return all events: who tells them, who hears them and what for, and every field."""
    heard = _heard_by()
    parts = [INTRODUCTION, _map(heard)]
    for service in SERVICES:
        parts.append(f"## {service} tells, on `{events.topic_of(service)}`\n")
        parts += [
            _event(kind, heard)
            for name, kind in events.EVENTS.items()
            if events.SOURCES[name] == service
        ]
    return "\n".join(parts)


def _heard_by() -> dict[str, list[tuple[str, str]]]:
    """Return who hears each event, and what for, in the words of the handler."""
    heard: dict[str, list[tuple[str, str]]] = {name: [] for name in events.EVENTS}
    for service in SERVICES:
        subscriptions: Mapping[type[Event], Any] = importlib.import_module(
            f"services.{service}.handlers"
        ).SUBSCRIPTIONS
        for kind, handler in subscriptions.items():
            function = handler.handle if isinstance(handler, Alone) else handler
            heard[kind.__name__].append((service, _first_line(function)))
    return heard


def _map(heard: Mapping[str, list[tuple[str, str]]]) -> str:
    lines = ["| Event | Told by | Heard by |", "|---|---|---|"]
    for name in events.EVENTS:
        hearers = ", ".join(service for service, _ in heard[name]) or "nobody"
        lines.append(f"| [`{name}`](#{name.lower()}) | {events.SOURCES[name]} | {hearers} |")
    return "\n".join(lines) + "\n"


def _event(kind: type[Event], heard: Mapping[str, list[tuple[str, str]]]) -> str:
    name = kind.__name__
    version = "version" if any(field.name == "version" for field in fields(kind)) else "n"
    event_id = f"`<{kind.AGGREGATE}>:<{version}>`"
    if version == "n":
        event_id += " and the first 12 of the posting's hash"
    lines = [
        f"### {name}\n",
        f"{_as_markdown(inspect.cleandoc(kind.__doc__ or ''))}\n",
        f"Key: `{kind.KEY}`. Aggregate: `{kind.AGGREGATE}`. Id: {event_id}.\n",
        *(f"- heard by **{service}**{what and ': ' + what}" for service, what in heard[name]),
        "",
        "| Field | Type | |",
        "|---|---|---|",
    ]
    said = _said_of_fields(kind)
    lines += [f"| `{f.name}` | {f.type} | {said.get(f.name, '')} |" for f in fields(kind)]
    return "\n".join(lines) + "\n"


def _said_of_fields(kind: type[Event]) -> dict[str, str]:
    """Return the sentences that stand below fields, of the class and of those it is made from."""
    said: dict[str, str] = {}
    for cls in reversed(kind.__mro__[:-1]):
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        if not isinstance(body, ast.ClassDef):
            continue
        for line, below in zip(body.body, body.body[1:], strict=False):
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
                text = below.value if isinstance(below, ast.Expr) else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    said[line.target.id] = _as_markdown(" ".join(text.value.split()))
    return said


def _as_markdown(text: str) -> str:
    return text.replace("``", "`")


def _first_line(function: Any) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


def main() -> int:
    """Write all documents anew; return 0."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
