"""A service's database, and the unit of work: a change, what it tells and what it answers, at once.

Every unit of work is one MongoDB transaction. What is told stands in ``outbox`` and is sent by the
relay; what is heard stands in ``inbox``, what was answered in ``answers``. So a crash between any
two lines leaves either all of it or nothing.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from bson.codec_options import CodecOptions
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, DuplicateKeyError, OperationFailure, PyMongoError

from shared import clock, events, logs, metrics
from shared.errors import Busy
from shared.mongo.collections import SHARED_INDEXES, Document, ensure_indexes
from shared.mongo.held import HeldThings
from shared.mongo.sessions import Sessions, kill_predecessors, open_client
from shared.mongo.trouble import CommitUnknown, TakenEveryTime, is_duplicate, runs_again
from shared.settings import Settings

T = TypeVar("T")

TRIES_MAX, SECONDS_MAX = 5, 10.0
HELD_TRIES_MAX, HELD_SECONDS_MAX = 20, 3.0


@dataclass
class UnitOfWork:
    """One transaction. Give ``session`` to every call on ``db``."""

    db: Database[Document]
    session: ClientSession
    correlation: str

    def tell(self, event: events.Event) -> str:
        """Put an event in the outbox; return its id, ``<aggregate>:<version>``.

        ``event.version`` is the aggregate's own number of events told, raised by one in this
        same transaction on the aggregate's document: two units of work cannot take the same one.
        """
        version: int = event.version  # type: ignore[attr-defined]
        kind = type(event)
        source = events.source_of(kind)
        row = {
            "_id": f"{event.aggregate}:{version}",
            "aggregate": event.aggregate,
            "version": version,
            "topic": events.topic_of(source),
            "key": event.key,
            "type": kind.__name__,
            "source": source,
            "body": json.dumps(events.encode(event), ensure_ascii=False),
            "at": clock.now(),
            "told_at": clock.real_now(),
            "correlation": self.correlation,
        }
        self.db.outbox.insert_one(row, session=self.session)
        return str(row["_id"])


def ask_again(work: UnitOfWork, event_id: str) -> bool:
    """Take an outbox row's mark back, so that the same event is sent again; False if it is gone."""
    taken = work.db.outbox.update_one(
        {"_id": event_id}, {"$unset": {"sent_to": "", "sent_at": ""}}, session=work.session
    )
    return taken.matched_count == 1


class ServiceDatabase:
    """The database that one service alone writes.

    ``db`` is pymongo's database (times come back aware, in UTC), ``name`` the service's name.
    """

    def __init__(self, client: MongoClient[Document], name: str, settings: Settings) -> None:
        self.client = client
        self.name = name
        self.settings = settings
        options: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)
        self.db = client.get_database(settings.database_prefix + name, codec_options=options)
        self._sessions = Sessions(client, self.db.sessions, settings.slot)
        self._held = HeldThings()

    @classmethod
    def connect(cls, settings: Settings, name: str) -> ServiceDatabase:
        """Return the service's database with its shared collections; waits for a server ≤ 60 s.

        Ends what the slot's predecessor left open, and counts the start.
        """
        database = cls(open_client(settings), name, settings)
        _wait_for_primary(database.client)
        kill_predecessors(database.client, database.db.sessions, settings.slot)
        ensure_indexes(database.db, SHARED_INDEXES)
        row = {"_id": settings.slot}
        started = {"$inc": {"starts": 1}, "$set": {"started_at": clock.real_now()}}
        database.db.processes.update_one(row, started, upsert=True)
        starts = database.db.processes.find_one(row) or {"starts": 1}
        metrics.PROCESS_STARTS.labels(settings.slot).set(starts["starts"])
        return database

    def server_time(self) -> datetime:
        """Return what time it is on the server."""
        answer = self.db.command("hello", codec_options=self.db.codec_options)
        moment: datetime = answer["localTime"]
        return moment

    def close(self) -> None:
        """End this thread's session and the client."""
        self._sessions.drop()
        self.client.close()

    def held(self, name: str) -> bool:
        """Tell whether another thread holds a contended thing: a hint, true of this process."""
        return self._held.held(name)

    def unit_of_work(self, body: Callable[[UnitOfWork], T], *, holding: str | None = None) -> T:
        """Run ``body`` in a transaction and commit it; return what it returned.

        After a conflict the body runs again from its start, so it looks up before it writes. With
        ``holding`` (the name of a contended thing) an in-process lock on it is held until after the
        commit. Raises :class:`Busy` where the tries are exhausted on a contended thing,
        :class:`TakenEveryTime` where that would go on for ever, whatever the body raises (nothing
        is changed then), and pymongo's errors where the database is away.
        """
        duplicates = 0
        tries = HELD_TRIES_MAX if holding else TRIES_MAX
        deadline = clock.monotonic() + (HELD_SECONDS_MAX if holding else SECONDS_MAX)
        with self._held.hold(holding, deadline):
            for attempt in range(tries):
                try:
                    return self._attempt(body, deadline)
                except (DuplicateKeyError, OperationFailure, ConnectionFailure) as error:
                    if not runs_again(error):
                        raise
                    metrics.CONFLICTS.labels(self.name).inc()
                    pause = random.uniform(0, min(0.2, 0.005 * 2**attempt))
                    duplicates += is_duplicate(error)
                    if attempt + 1 == tries or clock.monotonic() + pause > deadline:
                        if duplicates == attempt + 1 >= TRIES_MAX:
                            raise TakenEveryTime(self.name) from error
                        raise Busy(f"{self.name}: conflicts exhausted") from error
                    clock.sleep(pause)
        raise Busy(self.name)

    def _attempt(self, body: Callable[[UnitOfWork], T], deadline: float) -> T:
        session = self._sessions.mine()
        session.start_transaction()
        try:
            result = body(UnitOfWork(self.db, session, logs.correlation()))
        except BaseException as error:
            self._abort(session, error)
            raise
        self._commit(session, deadline)
        return result

    def _commit(self, session: ClientSession, deadline: float) -> None:
        unknown = False
        while True:
            try:
                session.commit_transaction()
                return
            except (OperationFailure, ConnectionFailure) as error:
                if error.has_error_label("UnknownTransactionCommitResult"):
                    unknown = True
                    if clock.monotonic() < deadline:
                        clock.sleep(0.05)
                        continue
                if unknown:
                    self._sessions.leave()
                    # It may stand: only a look-up can tell, so the body is not run again here.
                    raise CommitUnknown(str(error)) from error
                self._sessions.drop()
                raise
            except BaseException:
                self._sessions.drop()
                raise

    def _abort(self, session: ClientSession, error: BaseException) -> None:
        broken = isinstance(error, PyMongoError) and (
            error.timeout or isinstance(error, ConnectionFailure)
        )
        try:
            if session.in_transaction:
                session.abort_transaction()
        except PyMongoError:
            broken = True
        if broken:
            # The driver swallows what the abort ran into, so nobody knows whether it is ended.
            self._sessions.leave()
        elif isinstance(error, PyMongoError):
            self._sessions.drop()


def _wait_for_primary(client: MongoClient[Document], seconds: float = 60.0) -> None:
    deadline = clock.monotonic() + seconds
    while True:
        try:
            if client.admin.command("hello").get("isWritablePrimary"):
                return
        except PyMongoError:
            if clock.monotonic() > deadline:
                raise
        if clock.monotonic() > deadline:
            raise ConnectionFailure(f"no writable primary within {seconds:.0f} s")
        clock.sleep(0.2)
