"""The collection ``settlement_lines``: one row per captured order, its id the order's."""

from __future__ import annotations

from dataclasses import fields

from services.store.model import SettlementLine
from shared.mongo import Document, ServiceDatabase, UnitOfWork

_NAMES = tuple(field.name for field in fields(SettlementLine) if field.name != "order_id")


def add_line(work: UnitOfWork, line: SettlementLine) -> None:
    """Keep the line of an order; there is never a second one."""
    values = {name: getattr(line, name) for name in _NAMES}
    work.db.settlement_lines.insert_one({"_id": line.order_id, **values}, session=work.session)


def lines_of_month(
    database: ServiceDatabase, merchant_id: str, month: str, *, before: str | None, limit: int
) -> list[SettlementLine]:
    """Return a merchant's lines of a month, newest order first."""
    which: Document = {"merchant_id": merchant_id, "month": month}
    if before is not None:
        which["_id"] = {"$gt": "", "$lt": before}
    found = database.db.settlement_lines.find(which).sort("_id", -1).limit(limit)
    return [
        SettlementLine(order_id=row["_id"], **{name: row[name] for name in _NAMES}) for row in found
    ]


def total_of_month(database: ServiceDatabase, merchant_id: str, month: str) -> tuple[int, int]:
    """Return how many lines a merchant's month has and what they sum to."""
    rows = database.db.settlement_lines.find(
        {"merchant_id": merchant_id, "month": month}, projection={"_id": 0, "amount": 1}
    )
    amounts = [row["amount"] for row in rows]
    return len(amounts), sum(amounts)
