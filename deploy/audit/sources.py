"""Where an audit reads: the four databases as they are, and the logs. It writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from shared.mongo import user_of
from shared.settings import Settings

Document = Mapping[str, Any]
Step = Callable[[str, int, int], None]
"""Called as ``step(what, done, of)`` while an audit goes on."""

SERVICES = ("volunteers", "activities", "ledger", "store")
TELLERS = ("volunteers", "activities", "store")
"""The services with an outbox; the ledger's journal is its own."""
BATCH = 2000
KEPT = timedelta(days=30)
"""Answers and sent outbox rows are kept this long."""
CONNECT_TIMEOUT_MS = 10_000


def in_silence(what: str, done: int, of: int) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class Sources:
    """The databases of one installation, and a way to show how far a pass has come."""

    client: MongoClient[dict[str, Any]]
    prefix: str
    step: Step = in_silence
    _sizes: dict[tuple[str, str], int] = field(default_factory=dict)

    def database(self, service: str) -> Database[dict[str, Any]]:
        """Return the database that a service owns."""
        options: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
        return self.client.get_database(self.prefix + service, codec_options=options)

    def collection(self, service: str, name: str) -> Collection[dict[str, Any]]:
        """Return one collection of a service."""
        return self.database(service)[name]

    def scan(
        self,
        service: str,
        name: str,
        fields: Sequence[str] = (),
        where: Document | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield the documents of a collection as a stream, showing how far it has come."""
        held = self.collection(service, name)
        of = self.size(service, name)
        what = f"{service}.{name}"
        projection = dict.fromkeys(fields, 1) if fields else None
        done = 0
        self.step(what, 0, of)
        with held.find(where or {}, projection, batch_size=BATCH) as cursor:
            for document in cursor:
                yield document
                done += 1
                if done % BATCH == 0:
                    self.step(what, done, of)
        self.step(what, max(done, of), of)

    def size(self, service: str, name: str) -> int:
        """Return about how many documents a collection has; asked once, it costs like a scan.

        0 where nobody looks on.
        """
        if self.step is in_silence:
            return 0
        if (service, name) not in self._sizes:
            held = self.collection(service, name)
            self._sizes[service, name] = held.estimated_document_count()
        return self._sizes[service, name]

    def server_now(self) -> datetime:
        """Return the database's real time: the one that horizons are counted from."""
        moment: datetime = self.client.admin.command("hello")["localTime"]
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def all_rows_kept(sources: Sources, service: str) -> bool:
    """Tell whether a service is too young for any of its answers or sent rows to be deleted."""
    since = sources.server_now() - KEPT
    return all(log["first_at"] > since for log in sources.collection(service, "logs").find({}))


@contextmanager
def connected(
    mongo_uri: str, prefix: str, step: Step = in_silence, *, operator: Settings | None = None
) -> Iterator[Sources]:
    """Open an installation's databases for as long as an audit takes, as this operator's user."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        mongo_uri,
        **(user_of(operator) if operator else {}),
        tz_aware=True,
        serverSelectionTimeoutMS=CONNECT_TIMEOUT_MS,
    )
    try:
        yield Sources(client, prefix, step)
    finally:
        client.close()
