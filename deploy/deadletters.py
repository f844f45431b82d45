"""`python -m deploy.deadletters --service S list|show|replay|discard|resume`.

A dead letter is a message that a service could not handle, kept before its offset was committed.
`replay` gives it to that service's own handler again, with the same id, so it is safe; `discard`
says that it is to be let be; `resume` lets partitions go on that too many of them had paused.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.errors import PyMongoError

from deploy import installation
from shared import clock, events
from shared.errors import Busy
from shared.settings import Settings
from shared.worker import Heard, Later, Worker, dead_letters, read

LISTED_MAX = 200
STATES = ("open", "settled", "discarded")

Document = dict[str, Any]


@dataclass(frozen=True)
class Replayed:
    """What became of a dead letter that was handled again."""

    id: str
    settled: bool
    why: str


def letters(worker: Worker, *, state: str = "open", limit: int = LISTED_MAX) -> list[Document]:
    """Return a service's dead letters of a state, the oldest first."""
    found = worker.database.db.dead_letters.find({"state": state}).sort("first_at", 1)
    return list(found.limit(limit))


def replay(worker: Worker, ids: Sequence[str] = ()) -> Iterator[Replayed]:
    """Give open dead letters to the handler again, these or all; yield what became of each."""
    for row in letters(worker, limit=0):
        if not ids or row["_id"] in ids:
            yield _replay(worker, row)


def discard(worker: Worker, ids: Sequence[str]) -> int:
    """Let open dead letters be, for ever; return how many."""
    done = worker.database.db.dead_letters.update_many(
        {"_id": {"$in": list(ids)}, "state": "open"},
        {"$set": {"state": "discarded", "discarded_at": clock.real_now()}},
    )
    return done.modified_count


def resume(worker: Worker) -> int:
    """Let all paused partitions of the service go on; return how many."""
    done = worker.database.db.pauses.update_many(
        {"resumed_at": None}, {"$set": {"resumed_at": clock.real_now()}}
    )
    return done.modified_count


def _replay(worker: Worker, row: Document) -> Replayed:
    heard = read(dead_letters.message_of(row), "")
    if not isinstance(heard, Heard):
        return Replayed(row["_id"], False, heard.reason)
    if not worker.hearer.wants(events.EVENTS[heard.type]):
        return Replayed(row["_id"], False, f"nobody here hears {heard.type} any more")
    try:
        failed = worker.hearer.handle([heard], clock.now())
    except (Later, Busy, PyMongoError) as trouble:
        return Replayed(row["_id"], False, f"not now: {type(trouble).__name__}: {trouble}")
    for letter in failed:
        dead_letters.keep(worker.database, [letter])
        return Replayed(row["_id"], False, letter.reason)
    now = worker.database.db.dead_letters.find_one({"_id": row["_id"]}) or row
    if now["state"] != "settled":
        return Replayed(row["_id"], False, "an alarm was raised: see the collection alarms")
    return Replayed(row["_id"], True, "")


def shown(row: Document) -> str:
    """Return a whole dead letter as an operator reads it."""
    plain = {**row, "headers": dict(row["headers"])}
    for name in ("key", "body"):
        plain[name] = bytes(row[name] or b"").decode("utf-8", "replace")
    return json.dumps(plain, ensure_ascii=False, indent=2, default=str)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0, or 1 where something is still open."""
    asked = _parser().parse_args(arguments)
    settings = installation.settings_of(asked.service, asked.data_dir, operator="deadletters")
    worker = _worker(asked.service, settings)
    try:
        return _do(worker, asked)
    except PyMongoError as trouble:
        print(f"gongxiang: {type(trouble).__name__}: {trouble}", file=sys.stderr)
        return 1
    finally:
        worker.database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.deadletters", description=__doc__)
    parser.add_argument("--service", required=True, choices=installation.SERVICES)
    installation.add_arguments(parser)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="one line each").add_argument(
        "--state", choices=STATES, default="open"
    )
    verbs.add_parser("show", help="all of one").add_argument("id")
    for verb, words in (("replay", "handle these again"), ("discard", "let these be")):
        one = verbs.add_parser(verb, help=words)
        one.add_argument("ids", nargs="*", metavar="ID")
        one.add_argument("--all", action="store_true", help="all that are open")
    verbs.add_parser("resume", help="let paused partitions go on")
    return parser


def _worker(service: str, settings: Settings) -> Worker:
    worker: Worker = importlib.import_module(f"services.{service}.worker").create_worker(settings)
    return worker


def _do(worker: Worker, asked: argparse.Namespace) -> int:
    if asked.verb in ("replay", "discard") and bool(asked.ids) == asked.all:
        print("gongxiang: name the dead letters, or say --all", file=sys.stderr)
        return 2
    match asked.verb:
        case "list":
            return _list(letters(worker, state=asked.state))
        case "show":
            return _show(worker, asked.id)
        case "replay":
            return _tell(list(replay(worker, asked.ids)))
        case "discard":
            ids = asked.ids or [row["_id"] for row in letters(worker, limit=0)]
            print(f"{discard(worker, ids)} 件已搁置 / discarded")
        case "resume":
            print(f"{resume(worker)} 个分区恢复 / partitions go on")
    return 0


def _list(rows: Sequence[Document]) -> int:
    for row in rows:
        place = f"{row['topic']}:{row['partition']}:{row['offset']}"
        print(f"{row['_id']}  ×{row['count']}  {row['first_at']:%Y-%m-%d %H:%M}  {place}")
        print(f"    {row['reason']}")
    print(f"{len(rows)} 件 / dead letters")
    return 0


def _show(worker: Worker, letter_id: str) -> int:
    row = worker.database.db.dead_letters.find_one({"_id": letter_id})
    if row is None:
        print(f"没有 / there is no {letter_id}", file=sys.stderr)
        return 1
    print(shown(row))
    return 0


def _tell(replayed: Sequence[Replayed]) -> int:
    for one in replayed:
        print(f"{one.id}  {'已处理 settled' if one.settled else f'仍未处理 still open: {one.why}'}")
    open_still = [one for one in replayed if not one.settled]
    print(
        f"{len(replayed) - len(open_still)} 件已处理 / settled, {len(open_still)} 件 / still open"
    )
    return 1 if open_still else 0


if __name__ == "__main__":
    sys.exit(main())
