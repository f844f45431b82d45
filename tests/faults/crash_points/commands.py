"""What operators run: a command that crashed is run again, and then everything is there."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator, Sequence

import pytest

from deploy import bootstrap, deadletters, rewind, topics
from shared import clock
from shared.kafka import Outgoing, Producer
from shared.relay import outgoing
from tests.faults.crash_points.house import CrashingHouse
from tests.journeys.house import SERVICES

Main = Callable[[Sequence[str]], int]


class Operator:
    """Somebody who operates a house from the command line, and tries again."""

    def __init__(self, house: CrashingHouse) -> None:
        self._house = house

    def make_topics(self) -> None:
        """Make the topics, or find them."""
        self._run("topics", topics.main, [])

    def settle(self, district: str, admin_phone: str) -> None:
        """Set a district up, or find it set up."""
        words = ["--district", district, "--admin-phone", admin_phone]
        self._run("bootstrap", bootstrap.main, words)

    def rewind(self) -> None:
        """Let everything be told again."""
        for service in SERVICES:
            self._run("rewind", rewind.main, ["--service", service, "--hours", "24"])

    def repair(self, name: str) -> None:
        """Discard what nobody can read, and replay what was handled before."""
        self._send_poison(name)
        for service in ("volunteers", "ledger"):
            self._until(service, f"{name}:poison", "open")
            self._letters(service, "discard", f"{name}:poison")
            self._until(service, f"{name}:poison", "discarded")
        for service, teller in (("ledger", "activities"), ("store", "volunteers")):
            letter = self._letter_of_what_was_heard(service, teller)
            self._letters(service, "replay", letter)
            self._until(service, letter, "settled")
            self._letters(service, "resume")

    def _letters(self, service: str, *words: str) -> None:
        self._run("deadletters", deadletters.main, ["--service", service, *words])

    def _run(self, name: str, main: Main, words: Sequence[str]) -> None:
        def run() -> None:
            with _environment(self._house.environment(name)):
                said = io.StringIO()
                with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                    code = main(words)
                assert code == 0, f"{name} {words}: {said.getvalue()}"

        self._house.command(f"deploy-{name}", run)

    def _until(self, service: str, letter: str, state: str) -> None:
        rows = self._house.rows(service).dead_letters
        deadline = clock.monotonic() + 60
        while rows.find_one({"_id": letter, "state": state}) is None:
            assert clock.monotonic() < deadline, f"{service}: {letter} is not {state}"
            clock.sleep(0.1)

    def _letter_of_what_was_heard(self, service: str, teller: str) -> str:
        """Keep an event that was handled as if it had come before its reason was gone."""
        row = self._house.rows(teller).outbox.find_one({}, sort=[("told_at", -1)])
        assert row is not None
        event = outgoing(row)
        self._house.rows(service).dead_letters.insert_one(
            {
                "_id": event.id,
                "state": "open",
                "topic": event.topic,
                "partition": 0,
                "offset": 0,
                "at_ms": 0,
                "key": event.key.encode(),
                "headers": [[name, value.decode()] for name, value in event.headers()],
                "body": event.body.encode(),
                "body_bytes": len(event.body),
                "reason": "not yet",
                "count": 1,
                "first_at": clock.real_now(),
            }
        )
        return event.id

    def _send_poison(self, name: str) -> None:
        poison = Outgoing(
            topic="activities.events",
            key=name,
            id=f"{name}:poison",
            type="ServiceConfirmed",
            source="activities",
            subject=name,
            at=clock.now().isoformat(),
            correlation="",
            body="{",
        )
        producer = Producer(self._house.settings("activities", "stray"))
        assert producer.send([poison]) == [True]
        producer.close()


@contextlib.contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GONGXIANG_")]:
            patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)
        yield
