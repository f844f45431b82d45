"""What was once told is understood for ever: a golden file per event, none is ever changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared import events
from shared.kafka import Message
from shared.worker import Heard, read

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))
NEWEST = {path.stem: path for path in FILES if "." not in path.stem}
"""``<Event>.json``; a body that is no longer what we write moves to ``<Event>.<n>.json``."""


def golden(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def message(content: dict[str, Any]) -> Message:
    return Message(
        topic=content["topic"],
        partition=0,
        offset=0,
        at_ms=0,
        key=content["key"].encode(),
        headers=content["headers"],
        body=json.dumps(content["body"]).encode(),
    )


def test_every_event_has_a_golden_file() -> None:
    assert set(NEWEST) == set(events.EVENTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_file_is_heard_as_the_event_that_it_was(path: Path) -> None:
    content = golden(path)

    heard = read(message(content), "cluster:topic")

    assert isinstance(heard, Heard), heard
    assert type(heard.event).__name__ == path.stem.partition(".")[0]
    assert heard.id == content["headers"]["ce_id"]
    assert heard.event.key == content["key"]
    assert heard.event.aggregate == content["headers"]["ce_subject"]


@pytest.mark.parametrize("path", NEWEST.values(), ids=lambda path: path.stem)
def test_what_we_write_today_is_the_newest_golden_file(path: Path) -> None:
    content = golden(path)
    event = events.decode(path.stem, json.dumps(content["body"]))

    assert events.encode(event) == content["body"]
    assert events.topic_of(events.source_of(path.stem)) == content["topic"]
    assert content["headers"]["ce_source"] == events.source_of(path.stem)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_field_that_we_do_not_know_yet_is_passed_over(path: Path) -> None:
    body = golden(path)["body"]
    kind = path.stem.partition(".")[0]

    assert events.decode(kind, json.dumps({**body, "from_the_future": [1, {"x": None}]})) == (
        events.decode(kind, json.dumps(body))
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_body_with_a_field_missing_or_of_another_type_is_refused(path: Path) -> None:
    body = golden(path)["body"]
    kind = path.stem.partition(".")[0]

    for name, value in body.items():
        wrong = [] if isinstance(value, str) else "seven"
        missing = {other: kept for other, kept in body.items() if other != name}
        for broken in (missing, {**body, name: wrong}, {**body, name: {"$ne": None}}):
            with pytest.raises(events.Undecodable):
                events.decode(kind, json.dumps(broken))


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_of_the_calendar_in_utc_is_refused(at: str) -> None:
    body = golden(next(path for path in FILES if path.stem == "OrderPlaced"))["body"]

    with pytest.raises(events.Undecodable):
        events.decode("OrderPlaced", json.dumps({**body, "at": at}))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_event_carries_ids_and_figures_and_nothing_personal(path: Path) -> None:
    personal = {"name", "phone", "address", "email", "identity_number", "birthday"}

    assert not personal & set(golden(path)["body"])
