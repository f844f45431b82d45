"""`python -m deploy.waits [ID]`: what orders and records wait for, all that are open or one.

Each waits for the ledger's answer to the event that asks it: not sent yet, sent and not posted,
posted and not told, or told and not heard. It reads the databases as they are and changes nothing.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.errors import PyMongoError

from deploy import installation
from deploy.audit.sources import Sources, connected

LISTED_MAX = 200
OPEN = {
    "store": ("orders", ("PLACED", "USED", "CANCELLING")),
    "activities": ("records", ("CONFIRMED",)),
}

Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One open question, and how far its answer has come."""

    id: str
    state: str
    asked: int
    why: str

    def __str__(self) -> str:
        return f"{self.id}  {self.state}  ×{self.asked + 1}\n    {self.why}"


def waits(sources: Sources, only: str | None = None) -> Iterator[Wait]:
    """Yield what is open, or the one thing of that id even where it waits for nothing."""
    for service, (collection, states) in OPEN.items():
        rows = sources.collection(service, collection)
        which: Document = {"_id": only} if only else {"state": {"$in": list(states)}}
        for row in rows.find(which).limit(LISTED_MAX):
            why = _why(sources, service, row) if row["state"] in states else "不等待 / nothing"
            yield Wait(id=row["_id"], state=row["state"], asked=row.get("asked") or 0, why=why)


def _why(sources: Sources, service: str, row: Document) -> str:
    question = f"{row['_id']}:{row['version']}"
    letter = sources.collection("ledger", "dead_letters").find_one(
        {"_id": question, "state": "open"}
    )
    if letter is not None:
        return f"ledger 的死信 / a dead letter of ledger, {question}: {letter['reason']}"
    book = sources.collection("ledger", "books").find_one({"_id": row["district"]})
    if book is None:
        return f"账本未开 / book {row['district']} is not open"
    if book.get("set_aside"):
        return f"账本停用 / book {row['district']} is set aside: {book['set_aside']['why']}"
    posting = _answer(sources, row)
    if posting is None:
        event = sources.collection(service, "outbox").find_one({"_id": question})
        if event is None or event.get("sent_to") is None:
            return (
                f"尚未发出 / {question} is not sent yet: look at {service}'s worker and the broker"
            )
        return f"尚未记账 / {question} is sent and not posted: look at ledger's worker"
    if posting["n"] > (book.get("told") or {}).get("n", 0):
        return f"尚未告知 / posting {posting['n']} is not told yet: look at ledger's worker"
    return f"尚未听到 / posting {posting['n']} is told and not heard: look at {service}'s worker"


def _answer(sources: Sources, row: Document) -> Document | None:
    """Return the posting that answers the row's question; None where there is none yet."""
    order = row["_id"]
    facts = {
        "PLACED": [f"hold:{order}", f"no:hold:{order}:{order}:{row['version']}"],
        "CONFIRMED": [f"earn:{order}:{row['version']}"],
    }.get(row["state"], [f"end:{order}"])
    return sources.collection("ledger", "journal").find_one({"_id": {"$in": facts}})


def main(arguments: Sequence[str] | None = None) -> int:
    """Show what is asked for; return 0, or 1 where nothing has that id."""
    parser = argparse.ArgumentParser(prog="python -m deploy.waits", description=__doc__)
    parser.add_argument("id", nargs="?", help="an order or a service record")
    installation.add_arguments(parser)
    asked = parser.parse_args(arguments)
    settings = installation.common_settings(asked.data_dir, operator="waits")
    try:
        with connected(settings.mongo_uri, settings.database_prefix, operator=settings) as sources:
            found = list(waits(sources, asked.id))
    except PyMongoError as trouble:
        print(f"gongxiang: {type(trouble).__name__}: {trouble}", file=sys.stderr)
        return 1
    for wait in found:
        print(wait)
    print(f"{len(found)} 项 / found")
    return 1 if asked.id and not found else 0


if __name__ == "__main__":
    sys.exit(main())
