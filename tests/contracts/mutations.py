"""Messages that nobody should send, made of the golden ones by a seeded die."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from shared import events
from shared.kafka import Message
from tests.contracts.test_golden_events import NEWEST, golden

ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1.5,
    2**31,
    2**63,
    10**30,
    -(2**53) - 1,
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "x" * 1_001,
    "x" * 70_000,
    ":",
    "a:b:c",
    "$where",
    "volunteer.x",
    "../../etc/passwd",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999-14:00",
    "2026-02-30T00:00:00Z",
    "2026-11-21T03:04:05",
    [],
    [[]],
    {},
    {"$ne": None},
    {"$gt": ""},
]
"""What no field of ours means; some of it is right in form, and then its handler has to judge."""

IDS = [f"01KAGZ5T8X4Y7Z9V2M3N5P6Q{number:02d}" for number in range(40)]
"""Few enough that events of one aggregate meet, and contradict each other."""


@dataclass
class Draft:
    """A message while it is being spoilt."""

    key: bytes | None
    headers: dict[str, str]
    body: Any
    raw: bytes | None = None
    """The body as bytes, once it is no JSON of ours any more."""

    def bytes(self) -> bytes:
        """Return the body as it goes over the wire."""
        return self.raw if self.raw is not None else json.dumps(self.body).encode()


def mutated(topic: str, count: int, *, seed: int) -> Iterator[Message]:
    """Yield so many spoilt messages of a topic, the same for the same seed."""
    dice = random.Random(f"{seed} {topic}")
    teller = topic.partition(".")[0]
    kinds = [kind for kind, source in sorted(events.SOURCES.items()) if source == teller]
    others = [kind for kind in sorted(events.EVENTS) if kind not in kinds]
    for offset in range(count):
        draft = _draft(dice, dice.choice(kinds if dice.random() < 0.95 else others), offset)
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            dice.choice(MUTATIONS)(draft, dice)
        yield Message(
            topic=topic,
            partition=0,
            offset=offset,
            at_ms=0,
            key=draft.key,
            headers=draft.headers,
            body=draft.bytes(),
        )


def neighbour(kind: str, **values: Any) -> Message:
    """Return a good message of this kind, with these values instead of the golden ones."""
    content = golden(NEWEST[kind])
    body = content["body"] | values
    made = events.decode(kind, json.dumps(body))
    headers = content["headers"] | {"ce_id": values_id(kind, body), "ce_subject": made.aggregate}
    return Message(
        topic=content["topic"],
        partition=0,
        offset=0,
        at_ms=0,
        key=made.key.encode(),
        headers=headers,
        body=json.dumps(body).encode(),
    )


def values_id(kind: str, body: dict[str, Any]) -> str:
    """Return an event's id as its teller would make it."""
    if "n" in body:
        return f"{body['district']}:{body['n']}:{'0' * 12}"
    return f"{body[events.EVENTS[kind].AGGREGATE]}:{body['version']}"


def lying(messages: Iterable[Message]) -> list[Message]:
    """Return messages as they lie in a partition, one behind the other."""
    return [replace(message, offset=offset) for offset, message in enumerate(messages)]


def _draft(dice: random.Random, kind: str, number: int) -> Draft:
    content = deepcopy(golden(NEWEST[kind]))
    body = content["body"]
    for name in body:
        if name.endswith("_id") and dice.random() < 0.8:
            body[name] = dice.choice(IDS)
    content["headers"]["ce_id"] = f"{dice.choice(IDS)}:{number}"
    return Draft(key=content["key"].encode(), headers=content["headers"], body=body)


def _flip_bytes(draft: Draft, dice: random.Random) -> None:
    raw = bytearray(draft.bytes())
    for _ in range(dice.randint(1, 8)):
        if raw:
            raw[dice.randrange(len(raw))] = dice.randrange(256)
    draft.raw = bytes(raw)


def _cut(draft: Draft, dice: random.Random) -> None:
    raw = draft.bytes()
    draft.raw = raw[: dice.randrange(len(raw) + 1)]


def _other_bytes(draft: Draft, dice: random.Random) -> None:
    deep = dice.choice((10, 500, 30_000))
    draft.raw = dice.choice(
        (
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"NaN",
            b"\xff\xfe",
            b"\xef\xbb\xbf{}",
            b"[" * deep,
            b'{"a":' * deep + b"1" + b"}" * deep,
            b'{"n": ' + b"9" * 5_000 + b"}",
            dice.randbytes(dice.randrange(300)),
            b" " * 66_000 + draft.bytes(),
        )
    )


def _spoil_field(draft: Draft, dice: random.Random) -> None:
    if draft.body:
        draft.body[dice.choice(sorted(draft.body))] = deepcopy(dice.choice(ODD))


def _number_out_of_range(draft: Draft, dice: random.Random) -> None:
    numbers = [name for name, value in draft.body.items() if isinstance(value, int)]
    if numbers:
        value = dice.choice((-(10**9) - 1, -1, 0, 51, 10**9 + 1, 2**53 - 1))
        draft.body[dice.choice(numbers)] = value


def _moment_out_of_range(draft: Draft, dice: random.Random) -> None:
    year = dice.choice(("0001", "1969", "2262", "9999"))
    for name in draft.body:
        if name == "at" or name.endswith("_at"):
            draft.body[name] = f"{year}-01-01T00:00:00.000Z"


def _remove_field(draft: Draft, dice: random.Random) -> None:
    if draft.body:
        del draft.body[dice.choice(sorted(draft.body))]


def _add_field(draft: Draft, dice: random.Random) -> None:
    draft.body[f"later_{dice.randrange(9)}"] = deepcopy(dice.choice(ODD))


def _other_header(draft: Draft, dice: random.Random) -> None:
    name = dice.choice(sorted(draft.headers) or ["ce_id"])
    odd = ("", "x", "\x00", "\ufffd", "x" * 300, "a:b", "2", "-1", "ledger", "store", "$set")
    draft.headers[name] = dice.choice(odd)


def _no_header(draft: Draft, dice: random.Random) -> None:
    draft.headers.pop(dice.choice(sorted(draft.headers) or ["ce_id"]), None)


def _other_type(draft: Draft, dice: random.Random) -> None:
    kinds = [*sorted(events.EVENTS), "ServiceConfirmedV2", "PersonErased", "object", ""]
    draft.headers["ce_type"] = dice.choice(kinds)


def _other_source(draft: Draft, dice: random.Random) -> None:
    sources = ["volunteers", "activities", "ledger", "store", "console", ""]
    draft.headers["ce_source"] = dice.choice(sources)


def _other_key(draft: Draft, dice: random.Random) -> None:
    draft.key = dice.choice((None, b"", b"\xff\x00", b"430212", dice.randbytes(40)))


def _other_version(draft: Draft, dice: random.Random) -> None:
    draft.headers["ce_specversion"] = dice.choice(("0.3", "2.0", ""))
    if "version" in draft.body:
        draft.body["version"] = dice.choice((0, -1, 51, 2**52, "2", 1.0))


def _told_before(draft: Draft, dice: random.Random) -> None:
    """Another event under an id that was, or will be, another's."""
    draft.headers["ce_id"] = f"{dice.choice(IDS)}:{dice.randrange(50)}"


MUTATIONS: tuple[Callable[[Draft, random.Random], None], ...] = (
    _flip_bytes,
    _cut,
    _other_bytes,
    _spoil_field,
    _spoil_field,
    _spoil_field,
    _number_out_of_range,
    _number_out_of_range,
    _moment_out_of_range,
    _remove_field,
    _add_field,
    _other_header,
    _no_header,
    _other_type,
    _other_source,
    _other_key,
    _other_version,
    _told_before,
)
