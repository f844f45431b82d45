"""Sessions written down, so that a dead process's open transaction can be ended at once.

A client killed inside a transaction leaves its documents locked for up to a minute. So a thread
writes its session's id down under its process's slot before it uses it, and whoever starts in that
slot next kills what its predecessor left. ``python -m shared.mongo store`` does so for
all web slots of this host, before gunicorn's master forks (the master never holds a client).
Where the way to the server broke inside a transaction, its process does the same for itself, as
soon as the server can be reached again.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from bson.binary import Binary
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError

from shared import clock
from shared.settings import Settings

Document = dict[str, Any]


def user_of(settings: Settings) -> Document:
    """Return as whom a client comes; nothing where the server asks nobody, or the URI says it."""
    if not settings.mongo_username:
        return {}
    return {"username": settings.mongo_username, "password": settings.mongo_password}


def open_client(settings: Settings) -> MongoClient[Document]:
    """Return a client; it connects when first used, never before a fork."""
    return MongoClient(
        settings.mongo_uri,
        **user_of(settings),
        appname=settings.slot,
        tz_aware=True,
        tzinfo=UTC,
        serverSelectionTimeoutMS=5_000,
        connectTimeoutMS=3_000,
        socketTimeoutMS=15_000,
        maxPoolSize=max(32, settings.web_threads * 2),
    )


class Sessions:
    """One session a thread, each written down under the slot before its first use."""

    def __init__(self, client: MongoClient[Document], rows: Any, slot: str) -> None:
        self._client = client
        self._rows = rows
        self._slot = slot
        self._local = threading.local()
        self._left: list[ClientSession] = []
        self._guard = threading.Lock()

    def mine(self) -> ClientSession:
        """Return this thread's session, a new one where the last was dropped."""
        self._end_left()
        session: ClientSession | None = getattr(self._local, "session", None)
        if session is None:
            session = self._client.start_session(causal_consistency=False)
            lsid = session.session_id["id"]
            # The driver gives a dropped session's id out again, so it may stand there already.
            written = {"slot": self._slot, "lsid": lsid, "at": clock.real_now()}
            self._rows.update_one({"_id": lsid.hex()}, {"$set": written}, upsert=True)
            self._local.session = session
        return session

    def drop(self) -> None:
        """End this thread's session after trouble; its row goes when its slot starts again."""
        session: ClientSession | None = getattr(self._local, "session", None)
        self._local.session = None
        if session is not None:
            _end(session)

    def leave(self) -> None:
        """Let go of this thread's session, whose transaction may be open on the server.

        Whoever asks for a session next ends it first; before that, the driver must not give its id
        out again.
        """
        session: ClientSession | None = getattr(self._local, "session", None)
        self._local.session = None
        if session is not None:
            with self._guard:
                self._left.append(session)

    def _end_left(self) -> None:
        with self._guard:
            left, self._left = self._left, []
        if not left:
            return
        lsids = [session.session_id["id"] for session in left]
        try:
            _kill_rows(self._client, self._rows, [{"_id": i.hex(), "lsid": i} for i in lsids])
        except PyMongoError:
            with self._guard:
                self._left += left
            raise
        for session in left:
            _end(session)


def _end(session: ClientSession) -> None:
    try:
        session.end_session()
    except PyMongoError:
        # The server is away: the row stays written down, and that is what counts.
        return


def kill_predecessors(client: MongoClient[Document], rows: Any, slot: str) -> int:
    """End the transactions that the slot's last process left open; return how many sessions."""
    return _kill(client, rows, {"slot": slot})


def kill_web_slots(client: MongoClient[Document], rows: Any, service: str, host: str) -> int:
    """End those of all web slots of this host; their gunicorn master is gone."""
    # Another host's name may begin like this one's.
    ours = f"^{re.escape(web_slot(service, host, ''))}[0-9]+$"
    return _kill(client, rows, {"slot": {"$regex": ours}})


def web_slot(service: str, host: str, number: int | str) -> str:
    """Return the slot of a web child: ``store-web-<host>-<number>``."""
    return f"{service}-web-{host}-{number}"


def _kill(client: MongoClient[Document], rows: Any, which: Document) -> int:
    found = list(rows.find(which, limit=1000))
    _kill_rows(client, rows, found)
    return len(found)


def _kill_rows(client: MongoClient[Document], rows: Any, found: Sequence[Document]) -> None:
    for start in range(0, len(found), 50):
        some = found[start : start + 50]
        client.admin.command("killSessions", [{"id": Binary(row["lsid"], 4)} for row in some])
        rows.delete_many({"_id": {"$in": [row["_id"] for row in some]}})
