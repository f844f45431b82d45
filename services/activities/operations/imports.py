"""Importing activities from a file: accepted at once, carried on in chunks by the sweep."""

from __future__ import annotations

from collections.abc import Mapping as JsonObject
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.activities import repository
from services.activities.model import (
    FILE_BYTES_MAX,
    Mapping,
    UnreadableFile,
    mapping_of,
    read_table,
    read_text,
)
from services.activities.operations.scope import leads, must_lead
from services.activities.operations.views import View, import_view
from services.activities.repository import Document, Source
from shared import ids
from shared.auth import Principal
from shared.errors import NotThere
from shared.mongo import UnitOfWork


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that can be imported, and how it is meant."""

    text: str
    document: JsonObject[str, Any]
    mapping: Mapping
    rows: int


def read_file(*, content: bytes, document: JsonObject[str, Any], who: Principal) -> File:
    """Return a file that can be imported; nothing of it is kept yet.

    Refuses a mapping that contradicts itself or reaches beyond the regions that the person leads,
    and a file that is no CSV in UTF-8, or lacks columns that the mapping names.
    """
    mapping = mapping_of(document)
    for region in mapping.regions:
        must_lead(who, region)
    if len(content) > FILE_BYTES_MAX:
        raise UnreadableFile("文件过大 · It is too large", bytes_max=FILE_BYTES_MAX)
    text = read_text(content)
    table = read_table(text, columns=mapping.columns.named())
    return File(text=text, document=document, mapping=mapping, rows=len(table.rows))


def accept_import(work: UnitOfWork, *, file: File, who: Principal, now: datetime) -> View:
    """Return a new import; the sweep carries it on."""
    row: Document = {
        "_id": ids.new_id(),
        "district": file.mapping.regions[0][:6],
        "source": file.mapping.source,
        "mapping": dict(file.document),
        "state": "accepted",
        "open": True,
        "rows": file.rows,
        "done": 0,
        "published": 0,
        "unchanged": 0,
        "rejected": 0,
        "created_by": who.person_id,
        "accepted_at": now,
        "finished_at": None,
    }
    repository.add_import(work, row=row, text=file.text)
    return import_view(row)


def one_import(source: Source, *, import_id: str, who: Principal) -> View:
    """Return how far an import is, to who asked for it and to who leads its district."""
    return import_view(_seen_import(source, import_id, who))


def list_import_rows(
    source: Source,
    *,
    import_id: str,
    who: Principal,
    outcome: str | None,
    after: int,
    limit: int,
) -> list[Document]:
    """Return what became of an import's rows, by line."""
    _seen_import(source, import_id, who)
    return repository.list_import_rows(
        source, import_id=import_id, outcome=outcome, after=after, limit=limit
    )


def _seen_import(source: Source, import_id: str, who: Principal) -> Document:
    row = repository.import_(source, import_id)
    if row is None or not (row["created_by"] == who.person_id or leads(who, row["district"])):
        raise NotThere
    return row
