"""What the day was, in figures: what its people saw, and what the databases hold after it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.demo.data import DISTRICT
from deploy.demo.publish import Published
from deploy.demo.tally import Tally

PREFIX = "gongxiang_"
SERVICES = ("volunteers", "activities", "ledger", "store")
TELLERS = ("volunteers", "activities", "store")
UNTOLD = ("posted-otherwise", "superseded")
MINT = f"{DISTRICT}:mint:"

Report = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Held:
    """What the databases hold, read once the day has drained; nothing is ever written here."""

    minutes: int
    points_earned_hundredths: int
    postings: int
    events_told: int
    dead_letters: int
    alarms: int

    @classmethod
    def in_databases(cls, mongo_uri: str) -> Held:
        """Read it."""
        client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri, tz_aware=True)
        with client:
            of = {service: client[PREFIX + service] for service in SERVICES}
            postings = list(of["ledger"].journal.find({}))
            outbox = sum(of[service].outbox.count_documents({}) for service in TELLERS)
            return cls(
                minutes=sum(row["minutes"] for row in of["activities"].records.find({})),
                points_earned_hundredths=points_minted(postings),
                postings=len(postings),
                events_told=outbox + sum(1 for posting in postings if is_told(posting)),
                dead_letters=sum(of[s].dead_letters.count_documents({}) for s in SERVICES),
                alarms=sum(of[s].alarms.count_documents({}) for s in SERVICES),
            )


def points_minted(postings: Iterable[Mapping[str, Any]]) -> int:
    """Return what the mint has given out for services, corrections down taken off."""
    return -sum(
        line["amount"]
        for posting in postings
        for line in posting["lines"]
        if line["account"].startswith(MINT)
    )


def is_told(posting: Mapping[str, Any]) -> bool:
    """Tell whether a posting has an event."""
    return posting["kind"] != "open" and posting.get("refused") not in UNTOLD


def build(
    *,
    volunteers: int,
    published: Published,
    tally: Tally,
    held: Held,
    audit: Mapping[str, Any],
    seconds: float,
) -> Report:
    """Return the report of the day, its keys in their order."""
    counts = tally.counts
    return {
        "volunteers": volunteers,
        "activities": published.activities,
        "shifts": len(published.slots),
        "sign_ups": counts["sign_ups"],
        "sign_ups_refused": counts["sign_ups_refused"],
        "attendances": counts["attendances"],
        "services_confirmed": counts["services_confirmed"],
        "services_corrected": counts["services_corrected"],
        "minutes": held.minutes,
        "points_earned_hundredths": held.points_earned_hundredths,
        "orders": counts["orders"],
        "orders_refused": counts["orders_refused"],
        "vouchers_used": counts["vouchers_used"],
        "vouchers_refused_second_time": counts["vouchers_refused_second_time"],
        "orders_cancelled": counts["orders_cancelled"],
        "merchants": counts["merchants"],
        "talents": counts["talents"],
        "postings": held.postings,
        "events_told": held.events_told,
        "dead_letters": held.dead_letters,
        "alarms": held.alarms,
        "import": tally.imported,
        "audit": {
            "holds": audit["holds"],
            "invariants": [
                {name: invariant[name] for name in ("name", "checked", "holds")}
                for invariant in audit["invariants"]
            ],
        },
        "latency_ms": {
            name: tally.latency(name) for name in ("order_to_voucher", "confirm_to_points")
        },
        "seconds": round(seconds, 1),
    }


def write(report: Report, path: Path) -> None:
    """Write the report where people and programs look for it."""
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
