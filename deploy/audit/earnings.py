"""Invariant 4: what is earned is what the service records earn, and nothing else is.

The worth of a record is computed here from the book's own opening and the record's minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from deploy.audit.report import Invariant
from deploy.audit.sources import Document, Sources

EARN = "earn"
SUPERSEDED = "superseded"
CREDIT = "credit"
MINT = "mint"
UNCLAIMED = "unclaimed"


@dataclass(slots=True)
class Earned:
    """What the postings of one record come to."""

    book: str
    newest: int = 0
    newest_n: int = 0
    said: int = 0
    """What the newest posting says that the record has earned in all."""
    minted: int = 0
    received: int = 0
    """What reached the record's volunteer, or nobody who could be named any more."""
    versions: int = 0
    """How many of its versions have a posting."""
    accounts: tuple[str, ...] = ()
    """Whom its lines gave to or took from."""


class Earnings:
    """Watches the journals for what is earned, then asks the records."""

    def __init__(self, found: Invariant) -> None:
        self._found = found
        self.records: dict[str, Earned] = {}
        self._charters: dict[str, Mapping[str, Any]] = {}

    def see(self, book: str, posting: Document) -> None:
        """Take note of an earning, and of whatever else leaves the mint."""
        if posting["n"] == 1:
            self._charters[book] = posting.get("about", {})
        fact = str(posting["_id"])
        minted = -sum(
            line["amount"] for line in posting.get("lines", []) if _kind(line["account"]) == MINT
        )
        if not fact.startswith(f"{EARN}:"):
            if minted:
                self._found.found(f"{fact} ({book} n={posting['n']}): the mint gave {minted}")
            return
        about = posting["about"]
        record, version = str(about["record"]), int(about["version"])
        if fact != f"{EARN}:{record}:{version}":
            self._found.found(f"{fact}: speaks of version {version} of record {record}")
        earned = self.records.setdefault(record, Earned(book))
        if earned.book != book:
            self._found.found(f"record {record}: earned in {earned.book} and in {book}")
        earned.versions += 1
        earned.minted += minted
        for line in posting.get("lines", []):
            if _kind(line["account"]) != MINT:
                earned.received += line["amount"]
                if line["account"] not in earned.accounts:
                    earned.accounts = (*earned.accounts, line["account"])
        if posting.get("refused") not in (None, SUPERSEDED):
            self._found.found(f"{fact}: refused as {posting['refused']}; an earning never is")
        if version > earned.newest:
            earned.newest, earned.newest_n = version, posting["n"]
            earned.said = int(about["earned"])

    def check(self, sources: Sources) -> None:
        """Hold every record against its postings, and every earning against its record."""
        left = dict(self.records)
        fields = ("district", "volunteer_id", "version", "kind", "minutes", "served_at")
        for record in sources.scan("activities", "records", fields):
            record_id = str(record["_id"])
            earned = left.pop(record_id, None)
            if earned is None:
                self._found.expect(False, f"record {record_id}: confirmed and never posted")
                continue
            self._check_record(record_id, record, earned)
        for record_id, earned in left.items():
            self._found.expect(
                False, f"record {record_id}: earned {earned.minted} in {earned.book}, not there"
            )

    def _check_record(self, record_id: str, record: Document, earned: Earned) -> None:
        district, volunteer = record["district"], record["volunteer_id"]
        ought = self._worth(record)
        self._found.differences(
            f"record {record_id} version {record['version']}",
            (
                ("its book", earned.book, district),
                ("newest version posted", earned.newest, record["version"]),
                ("versions posted", earned.versions, record["version"]),
                ("earned by its postings", earned.minted, ought),
                ("received by its volunteer", earned.received, ought),
                ("earned as its newest posting says", earned.said, ought),
            ),
        )
        allowed = {f"{district}:volunteer:{volunteer}"}
        strangers = [
            account
            for account in earned.accounts
            if account not in allowed and _kind(account) != UNCLAIMED
        ]
        if strangers:
            self._found.found(f"record {record_id} of {volunteer}: posted to {strangers[0]}")

    def _worth(self, record: Document) -> int | None:
        """Return the hundredths that a record earns: whole steps of its minutes, credit only."""
        charter = self._charters.get(record["district"])
        if charter is None:
            return None
        if record["kind"] != CREDIT:
            return 0
        served_at: datetime = record["served_at"]
        day = served_at.astimezone(ZoneInfo(charter["zone"])).date().isoformat()
        rules = [rule for rule in charter["rules"] if rule["from"] <= day]
        if not rules:
            return None
        rule = max(rules, key=lambda rule: str(rule["from"]))
        steps: int = record["minutes"] // rule["step_minutes"]
        return steps * int(rule["step_hundredths"])


def _kind(account: str) -> str:
    return account.split(":", 2)[1]
