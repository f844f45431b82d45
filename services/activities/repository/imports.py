"""Imports: the file as it came, how far it was carried on, and what became of each row."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

from pymongo import ASCENDING, IndexModel

from services.activities.repository.source import Document, Source, session_of
from shared.mongo import UnitOfWork

INDEXES = {
    "imports": [IndexModel([("open", ASCENDING)])],
    "import_files": [],
    "import_rows": [
        IndexModel([("import_id", ASCENDING), ("line", ASCENDING)]),
        IndexModel([("import_id", ASCENDING), ("outcome", ASCENDING), ("line", ASCENDING)]),
    ],
}

_LINE_MAX = 2**31


def add_import(work: UnitOfWork, *, row: Document, text: str) -> None:
    """Insert an import with its file."""
    work.db.imports.insert_one(row, session=work.session)
    packed = {"_id": row["_id"], "content": zlib.compress(text.encode())}
    work.db.import_files.insert_one(packed, session=work.session)


def import_(source: Source, import_id: str) -> Document | None:
    """Return an import; None where there is none."""
    return source.db.imports.find_one({"_id": import_id}, session=session_of(source))


def open_imports(source: Source, *, limit: int) -> list[Document]:
    """Return imports that are not done, the oldest first."""
    rows = source.db.imports.find({"open": True}, limit=limit)
    return sorted(rows, key=lambda row: str(row["_id"]))


def import_text(source: Source, import_id: str) -> str | None:
    """Return an import's file; None once the import is done."""
    row = source.db.import_files.find_one({"_id": import_id}, session=session_of(source))
    return None if row is None else zlib.decompress(row["content"]).decode()


def advance_import(
    work: UnitOfWork,
    *,
    import_id: str,
    done: int,
    counts: Mapping[str, int],
    values: Document,
) -> bool:
    """Move an import on from ``done`` rows by these counts; False where it is elsewhere by now."""
    moved = work.db.imports.update_one(
        {"_id": import_id, "open": True, "done": done},
        {"$inc": {**counts, "done": sum(counts.values())}, "$set": values},
        session=work.session,
    )
    return moved.modified_count == 1


def add_import_rows(work: UnitOfWork, rows: Sequence[Document]) -> None:
    """Insert what became of rows."""
    work.db.import_rows.insert_many(
        [{"_id": f"{row['import_id']}:{row['line']}", **row} for row in rows],
        session=work.session,
    )


def drop_import_file(work: UnitOfWork, import_id: str) -> None:
    """Delete the file of an import that is done."""
    work.db.import_files.delete_one({"_id": import_id}, session=work.session)


def list_import_rows(
    source: Source, *, import_id: str, outcome: str | None, after: int, limit: int
) -> list[Document]:
    """Return a page of an import's rows, by line."""
    asked: Document = {"import_id": import_id, "line": {"$gt": after, "$lt": _LINE_MAX}}
    if outcome is not None:
        asked["outcome"] = outcome
    return list(source.db.import_rows.find(asked).sort("line", ASCENDING).limit(limit))
