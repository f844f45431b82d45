"""Settlement lines: what a month brought a merchant."""

from __future__ import annotations

from services.store import repository
from services.store.operations.merchants import overseen_merchant, own_merchant
from services.store.operations.shown import Shown, shown_line
from shared.auth import Principal
from shared.mongo import ServiceDatabase


def settlement(
    database: ServiceDatabase,
    *,
    who: Principal,
    merchant_id: str,
    month: str,
    before: str | None,
    limit: int,
) -> Shown:
    """Return a merchant's lines of a month, newest first, one more than ``limit``, and their sum.

    For its staff, and the administrators and auditors of its region; to others it is not there.
    """
    if overseen_merchant(database, merchant_id, who) is None:
        own_merchant(database, merchant_id, who)
    count, total = repository.total_of_month(database, merchant_id, month)
    found = repository.lines_of_month(database, merchant_id, month, before=before, limit=limit + 1)
    return {
        "merchant_id": merchant_id,
        "month": month,
        "lines": count,
        "total": total,
        "items": [shown_line(line) for line in found],
    }
