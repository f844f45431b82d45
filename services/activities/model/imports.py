"""From a row of a file to an activity with its shifts, or to the reason why not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.activities.model.activities import Slot
from services.activities.model.files import Row, Table, row_digest
from services.activities.model.import_cells import RowRejected, cell, line_of, text_of
from services.activities.model.import_times import slots_of
from services.activities.model.mapping import Mapping

TITLE_MAX, SUMMARY_MAX, KIND_MAX, ORGANISATION_MAX, ID_MAX = 200, 4_000, 100, 200, 200


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a row says, ready to be published."""

    activity_id: str
    digest: str
    region: str
    title: str
    summary: str
    organisation: str
    kind: str
    slots: tuple[Slot, ...]


def row_key(*, table: Table, row: Row, mapping: Mapping) -> str:
    """Return what names the row for ever: its id, or where it has none, a digest of its cells."""
    values = table.row_values(row)
    name = mapping.columns.id
    given = line_of(values[name]) if values is not None and name is not None else ""
    return f"id {given}" if given else f"digest {row_digest(row)}"


def activity_id_of(*, key: str, mapping: Mapping) -> str:
    """Return the id of the activity that a row becomes: the same for the same row, every time."""
    meant = "\0".join(("import", mapping.regions[0][:6], mapping.source, key))
    return "imported-" + hashlib.sha256(meant.encode()).hexdigest()[:32]


def draft_of(
    *, table: Table, row: Row, mapping: Mapping, accepted_at: datetime, zone: ZoneInfo
) -> Draft:
    """Return the activity that a row says; raises :class:`RowRejected` where it says none.

    Everything follows from the row, the mapping and the moment the import was accepted.
    """
    values = table.row_values(row)
    if values is None:
        raise RowRejected("wrong-number-of-cells", f"{len(row.cells)}, {len(table.header)}")
    columns = mapping.columns
    key = row_key(table=table, row=row, mapping=mapping)
    if len(key) > ID_MAX:
        raise RowRejected("id-too-long")
    title = text_of(values[columns.title], TITLE_MAX, "title-too-long")
    if not title:
        raise RowRejected("no-title")
    return Draft(
        activity_id=activity_id_of(key=key, mapping=mapping),
        digest=_content_digest(values, mapping),
        region=region_of(key=key, regions=mapping.regions),
        title=title,
        summary=text_of(cell(values, columns.summary), SUMMARY_MAX, "summary-too-long"),
        organisation=text_of(
            cell(values, columns.organisation), ORGANISATION_MAX, "organisation-too-long"
        ),
        kind=text_of(cell(values, columns.kind), KIND_MAX, "kind-too-long"),
        slots=slots_of(values=values, mapping=mapping, accepted_at=accepted_at, zone=zone),
    )


def repeated_lines(
    *, table: Table, mapping: Mapping, accepted_at: datetime, zone: ZoneInfo
) -> frozenset[int]:
    """Return the lines of rows whose key an earlier row that can be published has already."""
    lines: dict[str, list[Row]] = {}
    for row in table.rows:
        lines.setdefault(row_key(table=table, row=row, mapping=mapping), []).append(row)
    repeated: set[int] = set()
    for rows in lines.values():
        for place, row in enumerate(rows[:-1]):
            if _can_be_published(table, row, mapping, accepted_at, zone):
                repeated |= {later.line for later in rows[place + 1 :]}
                break
    return frozenset(repeated)


def region_of(*, key: str, regions: Sequence[str]) -> str:
    """Return the region that a row falls to, by its own key alone.

    Each region draws a number from the key and the highest wins, so another region in the list
    moves only what falls to that one.
    """
    return max(regions, key=lambda region: hashlib.sha256(f"{region}\0{key}".encode()).digest())


def _can_be_published(
    table: Table, row: Row, mapping: Mapping, accepted_at: datetime, zone: ZoneInfo
) -> bool:
    try:
        draft_of(table=table, row=row, mapping=mapping, accepted_at=accepted_at, zone=zone)
    except RowRejected:
        return False
    return True


def _content_digest(values: dict[str, str], mapping: Mapping) -> str:
    said = "\0".join(line_of(values[name]) for name in mapping.columns.named())
    return hashlib.sha256(said.encode()).hexdigest()
