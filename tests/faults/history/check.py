"""Every answer of a history, held against the databases and the ledger's journal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from pymongo import MongoClient

from shared.settings import Settings
from tests.faults.history import order
from tests.faults.history.actions import action_of
from tests.faults.history.effects import Documents, found_in
from tests.faults.history.entries import (
    OK,
    REFUSED,
    UNTRUE_OF_EARLIER,
    Entry,
    History,
    outcome_of,
)

SUCCESS = range(200, 300)
BUSY = 503


@dataclass
class Verdict:
    """How many requests were acknowledged, refused and left unknown, and all that is wrong."""

    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    unknown_done: int = 0
    """How many of the unknown turned out to be done; the others are not."""
    reads: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Answers that no service may give: 5xx other than 503."""

    @property
    def holds(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.lost or self.doubled or self.out_of_order or self.failed)

    def findings(self) -> dict[str, list[str]]:
        """Return all that is wrong."""
        return {
            name: getattr(self, name)
            for name in ("lost", "doubled", "out_of_order", "failed")
            if getattr(self, name)
        }


def check(
    history: History, mongo_uri: str, *, database_prefix: str = Settings.database_prefix
) -> Verdict:
    """Compare a history with the databases, which must have come to rest."""
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:

        def database(service: str) -> Documents:
            return client[database_prefix + service]

        verdict = Verdict()
        entries = list(history.entries)
        wishes = _Wishes(history, verdict, database)
        wishes.compare(found_in(database))
        journal = list(database("ledger")["journal"].find({}))
        records = {row["_id"]: row for row in database("activities")["records"].find({})}
    facts = _facts_asked(wishes.done, records)
    _hold_against_journal(verdict, wishes.done, facts, journal, history.posted)
    _hold_against_time(verdict, entries, facts, journal)
    verdict.reads = sum(entry.method == "GET" and entry.outcome == OK for entry in entries)
    verdict.failed += [
        f"{entry.method} {entry.service} {entry.path}: {entry.status} {entry.body}"
        for entry in entries
        if entry.status is not None and entry.status >= 500 and entry.status != BUSY
    ]
    return verdict


@dataclass(frozen=True)
class Done:
    """A wish that came true: what it was, when it was asked first, and what it did."""

    action: str
    entry: Entry
    names: tuple[str, ...]
    body: Mapping[str, Any]
    claims: Sequence[str]


class _Wishes:
    """All that was to be done once, and what became of it."""

    def __init__(self, history: History, verdict: Verdict, database: Any) -> None:
        self._verdict = verdict
        self._before = history.before
        self._claimed: Counter[str] = Counter()
        self._perhaps: Counter[str] = Counter()
        self.done: list[Done] = []
        wishes = history.wishes()
        kept = _kept_answers(database, {(a[0].service, wish) for wish, a in wishes.items()})
        for wish, attempts in wishes.items():
            self._look_at(attempts, kept.get((attempts[0].service, wish), []))

    def compare(self, found: Counter[str]) -> None:
        """Hold what was done against what the databases show."""
        shown = found - self._before
        for effect, times in (self._claimed - shown).items():
            self._verdict.lost.append(f"{effect}: acknowledged, and {times} are not there")
        for effect, times in (shown - self._claimed - self._perhaps).items():
            self._verdict.doubled.append(f"{effect}: {times} more than anybody was told")

    def _look_at(self, attempts: list[Entry], kept: list[Mapping[str, Any]]) -> None:
        first = attempts[0]
        found = action_of(first.service, first.method, first.path)
        if found is None:
            return
        action, names = found
        what = f"{action.name} ({first.service} {first.path} under {first.wish})"
        if len(kept) > 1:
            self._verdict.doubled.append(f"{what}: {len(kept)} answers are kept")
        was_done = any(answer["status"] in SUCCESS for answer in kept)
        outcome = outcome_of(attempts)
        if outcome == OK:
            self._verdict.acknowledged += 1
            told = [one for one in attempts if one.outcome == OK]
            claims = [action.claims(one.body, one.asked, names) for one in told]
            if any(other != claims[0] for other in claims):
                self._verdict.doubled.append(f"{what}: told {claims}")
            refused = [
                one.status
                for one in attempts
                if one.outcome == REFUSED and one.status not in UNTRUE_OF_EARLIER
            ]
            if refused:
                self._verdict.doubled.append(f"{what}: done, and refused with {refused}")
            self._claim(Done(action.name, first, names, told[0].body, claims[0]))
        elif outcome == REFUSED:
            self._verdict.refused += 1
            if was_done:
                self._verdict.doubled.append(f"{what}: refused, and done all the same")
        else:
            self._verdict.unknown += 1
            if was_done:
                self._verdict.unknown_done += 1
                body = kept[0].get("value") or {}
                claims_kept = action.claims(body, first.asked, names)
                self._claim(Done(action.name, first, names, body, claims_kept))
            elif first.method == "PATCH":
                # No answer is kept of these: it was done where the next revision is nobody else's.
                body = {"volunteer_id": first.who, "item_id": (*names, "")[0]}
                revision = {"revision": int(first.tag) + 1}
                self._perhaps.update(action.claims({**body, **revision}, first.asked, names))

    def _claim(self, done: Done) -> None:
        self._claimed.update(done.claims)
        self.done.append(done)


def _kept_answers(
    database: Any, wanted: set[tuple[str, str]]
) -> dict[tuple[str, str], list[Mapping[str, Any]]]:
    kept: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for service in ("volunteers", "activities", "store"):
        for answer in database(service)["answers"].find({}, {"status": 1, "value": 1}):
            name = service, str(answer["_id"]).rpartition(" ")[2]
            if name in wanted:
                kept[name].append(answer)
    return kept


def _facts_asked(
    done: Sequence[Done], records: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[float, Done]]:
    """Return the facts that the ledger was to post, and when each was asked for."""
    facts: dict[str, tuple[float, Done]] = {}
    for one in done:
        fact = ""
        if one.action == "order":
            fact = f"hold:{one.body['order_id']}"
        elif one.action == "use a voucher":
            fact = f"end:{one.body['order_id']}"
        elif one.action == "cancel":
            fact = f"end:{one.names[0]}"
        elif one.action == "confirm":
            fact = f"earn:{one.body['record_id']}:1"
        elif one.action == "correct" and one.names[0] in records:
            reasons = [version["reason"] for version in records[one.names[0]]["history"]]
            if one.entry.asked["reason"] in reasons:
                version = reasons.index(one.entry.asked["reason"]) + 1
                fact = f"earn:{one.names[0]}:{version}"
        if fact:
            facts[fact] = one.entry.began, one
    return facts


def _hold_against_journal(
    verdict: Verdict,
    done: Sequence[Done],
    facts: Mapping[str, tuple[float, Done]],
    journal: Sequence[Mapping[str, Any]],
    posted_before: Set[str],
) -> None:
    postings = {posting["_id"]: posting for posting in journal}
    if len(postings) != len(journal) or len({(p["book"], p["n"]) for p in journal}) != len(journal):
        verdict.doubled.append("the journal holds a number or a fact twice")
    refusals = Counter(
        posting["_id"].removeprefix("no:").removesuffix(f":{posting['cause']['id']}")
        for posting in journal
        if posting["_id"].startswith("no:")
    )
    for fact, (_, one) in facts.items():
        posted = fact in postings
        if not posted and not (refusals[fact] and one.action == "order"):
            verdict.lost.append(f"{fact}: {one.action} was acknowledged, nothing is posted")
        if posted and refusals[fact]:
            verdict.doubled.append(f"{fact}: posted, and refused {refusals[fact]} times")
        if one.action == "use a voucher" and posted and not postings[fact]["about"]["captured"]:
            verdict.lost.append(f"{fact}: the voucher was used, nothing is captured")
        if one.action == "cancel" and posted and postings[fact]["about"]["captured"]:
            verdict.doubled.append(f"{fact}: cancelled, and captured all the same")
    for fact in postings.keys() - posted_before:
        if fact.startswith(("hold:", "earn:")) and fact not in facts:
            verdict.doubled.append(f"{fact}: posted, and nobody asked for it")


def _hold_against_time(
    verdict: Verdict,
    entries: Sequence[Entry],
    facts: Mapping[str, tuple[float, Done]],
    journal: Sequence[Mapping[str, Any]],
) -> None:
    asked = {fact: began for fact, (began, _) in facts.items()}
    known: dict[str, float] = {}
    for entry in entries:
        for fact in order.known_facts(entry):
            known[fact] = min(known.get(fact, order.NEVER), entry.ended)
    books: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for posting in journal:
        books[posting["book"]].append(posting)
    for postings in books.values():
        verdict.out_of_order += order.reordered(postings, asked, known)
    verdict.out_of_order += order.stale_reads(entries)
    verdict.out_of_order += order.untrue_balances(entries, journal, known)
    verdict.doubled += order.contradictions(entries)
