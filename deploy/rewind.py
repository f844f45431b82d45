"""`python -m deploy.rewind --service store --hours 48`: what was told is told again.

For when messages were deleted before somebody heard them. It takes the marks back of what the
service told within these hours, real time; its relay then sends it again, with the same ids, so
whoever heard it before is not disturbed. The journal's mark is moved by compare-and-set, so that
a relay at work cannot undo it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from deploy import installation
from shared import clock
from shared.mongo import user_of
from shared.settings import Settings

HOURS_MAX = 8 * 24
"""What is told again goes back eight days: a day more than the broker keeps messages."""
TRIES_MAX = 100

Document = dict[str, Any]


class MarkWouldNotMove(Exception):
    """The relay was quicker every time; nothing of this book was rewound."""


def rewind_outbox(database: Database[Document], since: datetime, until: datetime) -> int:
    """Take the marks back of all rows told between these moments; return how many."""
    taken = 0
    unmarked = {"$unset": {"sent_to": "", "sent_at": ""}}
    for log in list(database.logs.find({}, {"_id": 1})):
        # By equality on the log, so that the index finds them.
        rows = {"sent_to": log["_id"], "told_at": {"$gte": since, "$lt": until}}
        taken += database.outbox.update_many(rows, unmarked).modified_count
    return taken


def rewind_book(database: Database[Document], book: str, since: datetime) -> int:
    """Move a book's mark back to the number that the day of ``since`` began with; return how far.

    Where no note is that old, to the beginning. Raises :class:`MarkWouldNotMove`.
    """
    day = since.date().isoformat()
    for _ in range(TRIES_MAX):
        row = database.books.find_one({"_id": book}) or {}
        told = row.get("told") or {"log": None, "n": 0}
        noted = [note["n"] for note in row.get("days", []) if note["day"] <= day]
        begin = max(noted, default=0)
        if begin >= told["n"]:
            return 0
        moved = database.books.update_one(
            {"_id": book, "told": told}, {"$set": {"told": {"log": told["log"], "n": begin}}}
        )
        if moved.modified_count == 1:
            return int(told["n"] - begin)
    raise MarkWouldNotMove(book)


def rewind(settings: Settings, service: str, hours: float) -> int:
    """Take back the marks of a service's last hours; return how many events will be sent again."""
    client: MongoClient[Document] = MongoClient(
        settings.mongo_uri, **user_of(settings), tz_aware=True
    )
    try:
        database = client[settings.database_prefix + service]
        now = clock.real_now()
        since = now - timedelta(hours=hours)
        if service != "ledger":
            # Beyond now lies what was told by a process whose clock is ahead of this one's.
            return rewind_outbox(database, since, now + timedelta(hours=HOURS_MAX))
        books = [row["_id"] for row in database.books.find({}, {"_id": 1})]
        return sum(rewind_book(database, book, since) for book in books)
    finally:
        client.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewind what the command line names; return 0."""
    parser = argparse.ArgumentParser(prog="python -m deploy.rewind", description=__doc__)
    parser.add_argument("--service", required=True, choices=installation.SERVICES)
    parser.add_argument("--hours", required=True, type=float)
    installation.add_arguments(parser)
    asked = parser.parse_args(arguments)
    if not 0 < asked.hours <= HOURS_MAX:
        parser.error(f"--hours is more than 0 and at most {HOURS_MAX}")
    settings = installation.common_settings(asked.data_dir, operator="rewind")
    try:
        again = rewind(settings, asked.service, asked.hours)
    except (PyMongoError, MarkWouldNotMove) as trouble:
        print(f"gongxiang: {type(trouble).__name__}: {trouble}", file=sys.stderr)
        return 1
    print(f"{asked.service}：{again} 个事件将重发 / {again} events will be sent again")
    return 0


if __name__ == "__main__":
    sys.exit(main())
