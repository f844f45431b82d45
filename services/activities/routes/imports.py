"""Imports over HTTP: a CSV and its mapping in, a status resource out."""

from __future__ import annotations

from typing import Any

from flask import request

from services.activities import operations
from services.activities.schemas import (
    ImportFiles,
    ImportRowPage,
    ImportRowQuery,
    ImportSchema,
    read_mapping,
)
from shared import clock
from shared.auth import Role
from shared.errors import Invalid
from shared.web import (
    Blueprint,
    Waiter,
    body_limit,
    once,
    page,
    principal,
    requires,
    service_db,
)

BODY_BYTES_MAX = 5 * 1024 * 1024 + 256 * 1024
"""The file, the mapping, and what multipart puts around them."""

_DONE = Waiter(service_db, "imports", done=lambda row: not row["open"])

imports = Blueprint("imports", __name__, url_prefix="/v1", description="批量导入 · Bulk import")


@imports.post("/imports")
@requires(Role.ORGANISER, Role.ADMIN)
@imports.arguments(ImportFiles, location="files")
@imports.response(202, ImportSchema)
@body_limit(BODY_BYTES_MAX)
def import_activities(files: dict[str, Any]) -> Any:
    """Publish activities from a CSV: each row once, or reported with its line and its reason."""
    who = principal()
    file = operations.read_file(
        content=files["file"].read(), document=read_mapping(_mapping(files)), who=who
    )
    return once(
        lambda work: operations.accept_import(work, file=file, who=who, now=clock.now()),
        status=202,
        renew=lambda answer: operations.one_import(
            service_db(), import_id=answer["import_id"], who=who
        ),
        wait=lambda answer, seconds: _DONE.wait(answer["import_id"], seconds),
    )


@imports.get("/imports/<import_id>")
@requires(Role.ORGANISER, Role.ADMIN)
@imports.response(200, ImportSchema)
def show_import(import_id: str) -> dict[str, Any]:
    """Show how far an import is; ``Prefer: wait`` waits until it is done."""
    database, who = service_db(), principal()
    operations.one_import(database, import_id=import_id, who=who)
    _DONE.wait(import_id)
    return operations.one_import(database, import_id=import_id, who=who)


@imports.get("/imports/<import_id>/rows")
@requires(Role.ORGANISER, Role.ADMIN)
@imports.arguments(ImportRowQuery, location="query")
@imports.response(200, ImportRowPage)
def list_import_rows(query: dict[str, Any], import_id: str) -> dict[str, Any]:
    """List what became of the rows, by line."""
    rows = operations.list_import_rows(
        service_db(),
        import_id=import_id,
        who=principal(),
        outcome=query["outcome"],
        after=int(query["after"]),
        limit=query["limit"] + 1,
    )
    shown = page(rows, query["limit"], key=lambda row: str(row["line"]))
    return shown | {"items": [operations.import_row_view(row) for row in shown["items"]]}


def _mapping(files: dict[str, Any]) -> str:
    unknown = set(request.form) - {"mapping"}
    if unknown:
        raise Invalid(errors={name: ["Unknown field."] for name in sorted(unknown)})
    if "mapping" in request.form:
        return request.form["mapping"]
    if files["mapping"] is None:
        raise Invalid(errors={"mapping": ["缺少字段映射 · The mapping is missing."]})
    try:
        return str(files["mapping"].read().decode("utf-8"))
    except UnicodeDecodeError:
        raise Invalid("字段映射不是 UTF-8 · The mapping is not UTF-8") from None
