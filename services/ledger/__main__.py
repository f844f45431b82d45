"""``python -m services.ledger`` runs the worker; with ``verify`` or ``resume`` it looks at books.

python -m services.ledger verify [--book 430211]    replay, and name the first bad number
python -m services.ledger resume --book 430211      put back a book that was set aside
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from services.ledger import operations
from services.ledger.database import open_database
from services.ledger.operations.verifying import Progress
from services.ledger.settings import LedgerSettings
from services.ledger.worker import create_worker
from shared.errors import NotThere
from shared.mongo import ServiceDatabase
from shared.settings import load
from shared.worker import run_worker


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names; not 0 where a book is not sound."""
    parser = argparse.ArgumentParser(prog="python -m services.ledger", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    verifying = commands.add_parser("verify", help="replay books, name the first bad number")
    verifying.add_argument("--book", help="only this one")
    resuming = commands.add_parser("resume", help="put back a book that was set aside, if sound")
    resuming.add_argument("--book", required=True)
    asked = parser.parse_args(arguments)
    if asked.command is None:
        return run_worker(create_worker)
    # A slot of its own: the worker's is taken, and whoever starts in it ends its sessions.
    database = open_database(replace(load(LedgerSettings), slot="ledger-verify"))
    try:
        books = [asked.book] if asked.book else _all_books(database)
        verdicts = [_verify(database, book) for book in books]
        sound = all(verdicts)
        if asked.command == "resume" and sound:
            operations.put_back(database, book=asked.book)
            print(f"{asked.book}：已恢复记账 / put back")
        return 0 if sound else 1
    finally:
        database.close()


def _all_books(database: ServiceDatabase) -> list[str]:
    found: list[str] = []
    while page := operations.books(database, after=found[-1] if found else None, limit=100):
        found += [row["book"] for row in page]
    return found


def _verify(database: ServiceDatabase, book: str) -> bool:
    try:
        with _progress(book) as progress:
            verdict = operations.verify(database, book=book, progress=progress)
    except NotThere:
        print(f"{book}：没有这本账 / no such book", file=sys.stderr)
        return False
    if not verdict.sound:
        print(f"{book}：第 {verdict.first_bad} 号有误 / posting {verdict.first_bad} {verdict.why}")
        return False
    print(f"{book}：{verdict.postings} 笔，账实相符 / {verdict.postings} postings, sound")
    return True


@contextmanager
def _progress(book: str) -> Iterator[Progress]:
    """Show how far a replay has come, where somebody looks and the library is there."""
    try:
        # Not in the production image, and not needed to verify.
        from rich.console import Console
        from rich.progress import Progress as Bar
    except ImportError:
        yield lambda _n, _of: None
        return
    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"账本 {book}", total=None)
        yield lambda n, of: bar.update(task, completed=n, total=of)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
