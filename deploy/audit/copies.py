"""Invariant 9, second half: what a service keeps of another's facts equals a rebuild from them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from deploy.audit.earnings import Earned
from deploy.audit.holds import Kept
from deploy.audit.report import Invariant
from deploy.audit.sources import Sources

COPIERS = ("activities", "ledger", "store")
BANKED = "BANKED"
CAPTURED = "CAPTURED"
KEPT_OF_ORDERS = ("merchant_id", "district", "item_id", "pieces", "amount", "captured_at")
KEPT_OF_RECORDS = ("volunteer_id", "version", "kind", "minutes", "served_at", "district")


def check_people(sources: Sources, found: Invariant) -> None:
    """Hold each service's copies of the persons' status against the persons."""
    people = {
        str(person["_id"]): (person["status"], person["version"])
        for person in sources.scan("volunteers", "people", ("status", "version"))
    }
    for service in COPIERS:
        left = set(people)
        for copy in sources.scan(service, "volunteer_copies", ("status", "version")):
            person = str(copy["_id"])
            left.discard(person)
            if person not in people:
                found.expect(False, f"{service}: a copy of {person}, who is not there")
                continue
            status, version = people[person]
            found.differences(
                f"{service}: copy of {person}",
                (("status", copy["status"], status), ("version", copy["version"], version)),
            )
        for person in left:
            found.expect(False, f"{service}: no copy of {person}")


def check_records(sources: Sources, found: Invariant, earned: Mapping[str, Earned]) -> None:
    """Hold what others say of each record against it, and its number against the journal.

    The volunteers keep a row of minutes of its newest version; the ledger's number banks it.
    """
    rows: dict[str, Mapping[str, Any]] = {
        str(row["_id"]): row for row in sources.scan("volunteers", "minutes")
    }
    fields = (*KEPT_OF_RECORDS, "state", "posted_n")
    for record in sources.scan("activities", "records", fields):
        record_id = str(record["_id"])
        row = rows.pop(record_id, None)
        if row is None:
            found.expect(False, f"volunteers: no minutes of record {record_id}")
        else:
            found.differences(
                f"volunteers: minutes of record {record_id}",
                [(name, row[name], record[name]) for name in KEPT_OF_RECORDS],
            )
        if record["state"] == BANKED:  # any other is counted with what is left undone
            posted = earned.get(record_id)
            found.expect(
                posted is not None and posted.newest_n == record["posted_n"],
                f"activities: record {record_id} is banked as n={record['posted_n']}, "
                f"the journal has {posted.newest_n if posted else 'nothing'}",
            )
    for record_id in rows:
        found.expect(False, f"volunteers: minutes of record {record_id}, which is not there")


def check_settlement(sources: Sources, found: Invariant, kept: Mapping[str, Kept]) -> None:
    """Hold the settlement lines against the orders and the journal: one a captured order."""
    lines: dict[str, Mapping[str, Any]] = {
        str(line["_id"]): line for line in sources.scan("store", "settlement_lines")
    }
    fields = (*KEPT_OF_ORDERS, "zone")
    for order in sources.scan("store", "orders", fields, {"state": CAPTURED}):
        order_id = str(order["_id"])
        line = lines.pop(order_id, None)
        if line is None:
            found.expect(False, f"store: order {order_id} is captured and has no settlement line")
            continue
        posted = kept.get(order_id)
        found.differences(
            f"store: settlement line of order {order_id}",
            [
                *((name, line[name], order[name]) for name in KEPT_OF_ORDERS),
                ("month", line["month"], _month(order["captured_at"], order["zone"])),
                ("n", line["n"], posted.end_n if posted else None),
            ],
        )
    for order_id in lines:
        found.expect(False, f"store: settlement line of {order_id}, which is not captured")


def _month(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).date().isoformat()[:7]
