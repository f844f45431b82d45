"""What operators watch besides the loops' own figures: how the service's rows stand.

Looked at beside the loops, so that the figures go on when a loop waits for the broker. What is
counted is counted up to a bound: beyond it the figure is the bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from prometheus_client import Gauge

from shared import clock, metrics
from shared.asking import LONG_AGO, asked_since
from shared.mongo import ServiceDatabase
from shared.mongo.alarms import open_alarms
from shared.relay import Relay

COUNTED_MAX = 1000
LEASES = ("relay", "sweep")
FAR_AHEAD = timedelta(days=1)


class Watching:
    """Sets the figures; ``questions`` names the collection whose rows ask until answered."""

    def __init__(self, database: ServiceDatabase, relay: Relay, *, questions: str | None) -> None:
        self._database = database
        self._relay = relay
        self._questions = questions
        self._shown: dict[Gauge, set[str]] = {}

    def look(self) -> None:
        """Look once; pymongo's errors where the database is away."""
        name, now = self._database.name, clock.real_now()
        error = now - self._database.server_time()
        metrics.CLOCK_ERROR_S.labels(name).set(error.total_seconds())
        metrics.OLDEST_UNSENT_S.labels(name).set(self._relay.oldest_unsent_s())
        letters = self._database.db.dead_letters.find({"state": "open"}, {"_id": 1})
        metrics.DEAD_LETTERS_OPEN.labels(name).set(len(list(letters.limit(COUNTED_MAX))))
        self._by(metrics.ALARMS_OPEN, (row["kind"] for row in open_alarms(self._database)))
        for lease in LEASES:
            row = self._database.db.leases.find_one({"_id": lease})
            idle = (now - row["until"]).total_seconds() if row else 0.0
            metrics.LEASE_IDLE_S.labels(name, lease).set(max(0.0, idle))
        if self._questions:
            self._look_at_questions(self._questions, now)
        metrics.WATCHED_AT.labels(name).set(now.timestamp())

    def _look_at_questions(self, collection: str, now: datetime) -> None:
        asking = {"ask_at": {"$gte": LONG_AGO, "$lt": now + FAR_AHEAD}}
        fields = {"state": 1, "ask_at": 1, "asked": 1}
        rows = list(self._database.db[collection].find(asking, fields).limit(COUNTED_MAX))
        self._by(metrics.QUESTIONS_OPEN, (row["state"] for row in rows))
        since = min((asked_since(row["ask_at"], row["asked"]) for row in rows), default=now)
        oldest = max(0.0, (now - since).total_seconds())
        metrics.OLDEST_QUESTION_S.labels(self._database.name).set(oldest)

    def _by(self, gauge: Gauge, found: Iterable[str]) -> None:
        """Set a gauge per label's value to how many there are; to 0 where there are no more."""
        values = list(found)
        shown = self._shown.setdefault(gauge, set())
        shown |= set(values)
        for value in shown:
            gauge.labels(self._database.name, value).set(values.count(value))
