"""What a bad way between two services makes of its messages: altered, late, out of order."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from shared import events
from shared.kafka import Outgoing, Producer

OTHER_ID = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
OTHER_WORD = {"active": "frozen", "frozen": "active", "credit": "honorary", "honorary": "credit"}


def identity(kind: str) -> list[str]:
    """Return the fields that an event's id and key are made of."""
    cls = events.EVENTS[kind]
    numbered = "n" if events.source_of(cls) == "ledger" else "version"
    return list(dict.fromkeys([cls.AGGREGATE, numbered, cls.KEY]))


def other(value: Any) -> Any:
    """Return a value of the same type that says something else."""
    if isinstance(value, int):
        return value + 1000
    try:
        return (datetime.fromisoformat(value) + timedelta(days=1)).isoformat()
    except ValueError:
        return OTHER_WORD.get(value, OTHER_ID)


def altered(event: Outgoing, *fields: str) -> Outgoing:
    """Return the event with the same id and something else in these fields."""
    body = json.loads(event.body)
    changed = {name: other(body[name]) for name in fields}
    return replace(event, body=json.dumps(body | changed))


class Forger:
    """Sends after each true event what says otherwise under the same id, in every way in turn.

    One copy differs in a field of what is told, one in all of them, one in what the id is made of.
    """

    def __init__(self) -> None:
        self.true: list[Outgoing] = []
        self.otherwise: list[Outgoing] = []
        self.misnamed: list[Outgoing] = []
        self._guard = threading.Lock()
        self._turns: Counter[str] = Counter()

    def __call__(self, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        """Return what is sent instead of these."""
        with self._guard:
            return [one for event in outgoing for one in self._with_forgeries(event)]

    def _with_forgeries(self, event: Outgoing) -> list[Outgoing]:
        turn = self._turns[event.type]
        self._turns[event.type] += 1
        names = identity(event.type)
        told = sorted(set(json.loads(event.body)) - set(names))
        otherwise = [altered(event, told[turn % len(told)]), altered(event, *told)]
        misnamed = altered(event, names[turn % len(names)])
        self.true.append(event)
        self.otherwise += otherwise
        self.misnamed.append(misnamed)
        return [event, *otherwise, event, misnamed]


class Late:
    """Holds messages back that were said to be sent, and lets them come later, in any order."""

    def __init__(self, *, seed: int, share: float) -> None:
        self.held_back = 0
        self._dice = random.Random(seed)
        self._share = share
        self._waiting: list[Outgoing] = []
        self._guard = threading.Lock()

    def __call__(self, outgoing: Sequence[Outgoing]) -> list[Outgoing]:
        """Return what is sent at once."""
        with self._guard:
            late = [self._dice.random() < self._share for _ in outgoing]
            held = [event for event, waits in zip(outgoing, late, strict=True) if waits]
            self._waiting += held
            self.held_back += len(held)
            return [event for event, waits in zip(outgoing, late, strict=True) if not waits]

    def release(self, producer: Producer) -> None:
        """Send what was held back, shuffled."""
        with self._guard:
            waiting, self._waiting = self._waiting, []
            self._dice.shuffle(waiting)
        assert all(producer.send(waiting))
