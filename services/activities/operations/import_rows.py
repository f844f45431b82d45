"""Carrying an import on: each row published once, or reported with its reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from services.activities import repository
from services.activities.model import (
    Draft,
    Mapping,
    Row,
    RowRejected,
    Table,
    activity_id_of,
    draft_of,
    mapping_of,
    read_table,
    repeated_lines,
    row_key,
)
from services.activities.operations.activities import new_activity, new_shifts
from services.activities.repository import Document
from shared.mongo import ServiceDatabase, UnitOfWork

ROWS_A_ROUND = 200
IMPORTS_A_ROUND = 5
DOCUMENTS_A_CHUNK = 120
"""A transaction stays below two hundred operations, so a chunk has so many documents at most."""


def carry_imports(database: ServiceDatabase, now: datetime, _real_now: datetime) -> int:
    """Carry open imports on by some rows; return by how many."""
    moved = 0
    for row in repository.open_imports(database, limit=IMPORTS_A_ROUND):
        text = repository.import_text(database, row["_id"])
        if text is not None:
            moved += _carry(database, row, text, now)
    return moved


def _carry(database: ServiceDatabase, row: Document, text: str, now: datetime) -> int:
    zone = database.settings.time_zone
    mapping = mapping_of(row["mapping"])
    table = read_table(text, columns=mapping.columns.named())
    chunk = _Chunk(
        import_=row,
        table=table,
        mapping=mapping,
        zone=zone,
        repeated=repeated_lines(
            table=table, mapping=mapping, accepted_at=row["accepted_at"], zone=zone
        ),
    )
    size = max(1, DOCUMENTS_A_CHUNK // (2 + mapping.shifts_max))
    done: int = row["done"]
    while True:
        rows = table.rows[done : done + size]
        moved = database.unit_of_work(
            partial(_carry_chunk, chunk=chunk, done=done, rows=rows, now=now)
        )
        done += len(rows)
        # Where another worker carried the same import on, the next round reads how far it is.
        if not moved or done >= len(table.rows) or done - row["done"] >= ROWS_A_ROUND:
            return done - int(row["done"])


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """What all chunks of one import have in common."""

    import_: Document
    table: Table
    mapping: Mapping
    zone: ZoneInfo
    repeated: frozenset[int]


def _carry_chunk(
    work: UnitOfWork, *, chunk: _Chunk, done: int, rows: tuple[Row, ...], now: datetime
) -> bool:
    """Publish or report these rows, in one transaction; False where they were done before."""
    drafts: dict[int, Draft] = {}
    told: list[Document] = []
    for row in rows:
        found = _draft(chunk, row)
        if isinstance(found, Draft):
            drafts[row.line] = found
        else:
            told.append(_row(chunk, row, "rejected", found))
    present = repository.activities_present(work, [draft.activity_id for draft in drafts.values()])
    new = [draft for draft in drafts.values() if draft.activity_id not in present]
    for row in rows:
        draft = drafts.get(row.line)
        if draft is not None:
            told.append(_outcome(chunk, row, draft, present.get(draft.activity_id)))
    counts = Counter(row["outcome"] for row in told)
    over = done + len(rows) >= len(chunk.table.rows)
    values: Document = {"state": "running"}
    if over:
        values = {"state": "done", "open": False, "finished_at": now}
    # First, so that of two workers one stops here, and the other's rows stand.
    if not repository.advance_import(
        work, import_id=chunk.import_["_id"], done=done, counts=counts, values=values
    ):
        return False
    _publish(work, chunk, new)
    if told:
        repository.add_import_rows(work, told)
    if over:
        repository.drop_import_file(work, chunk.import_["_id"])
    return True


def _draft(chunk: _Chunk, row: Row) -> Draft | RowRejected:
    try:
        draft = draft_of(
            table=chunk.table,
            row=row,
            mapping=chunk.mapping,
            accepted_at=chunk.import_["accepted_at"],
            zone=chunk.zone,
        )
    except RowRejected as rejected:
        return rejected
    return RowRejected("repeated") if row.line in chunk.repeated else draft


def _outcome(chunk: _Chunk, row: Row, draft: Draft, present: Document | None) -> Document:
    if present is None:
        return _row(chunk, row, "published", None)
    if present["imported"] is None or present["imported"]["digest"] != draft.digest:
        return _row(chunk, row, "rejected", RowRejected("imported-otherwise"))
    return _row(chunk, row, "unchanged", None)


def _row(chunk: _Chunk, row: Row, outcome: str, rejected: RowRejected | None) -> Document:
    key = row_key(table=chunk.table, row=row, mapping=chunk.mapping)
    return {
        "import_id": chunk.import_["_id"],
        "line": row.line,
        "outcome": outcome,
        "reason": None if rejected is None else rejected.reason,
        "detail": None if rejected is None else rejected.detail,
        "activity_id": (
            None if rejected is not None else activity_id_of(key=key, mapping=chunk.mapping)
        ),
    }


def _publish(work: UnitOfWork, chunk: _Chunk, drafts: list[Draft]) -> None:
    if not drafts:
        return
    at = chunk.import_["accepted_at"]
    activities = []
    shifts = []
    for draft in drafts:
        activity = new_activity(
            activity_id=draft.activity_id,
            region=draft.region,
            title=draft.title,
            summary=draft.summary,
            kind=draft.kind,
            organisation=draft.organisation,
            slots=draft.slots,
            created_by=chunk.import_["created_by"],
            now=at,
        )
        activity |= {
            "status": "published",
            "published_at": at,
            "imported": {"import_id": chunk.import_["_id"], "digest": draft.digest},
        }
        activities.append(activity)
        shifts += new_shifts(activity, draft.slots)
    repository.add_activities(work, activities)
    repository.add_shifts(work, shifts)
