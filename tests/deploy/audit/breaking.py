"""Ways to break a true town, and the check that the audit names what was broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from deploy.audit import Report
from tests.deploy.audit.hand_made_logs import HandMadeLogs
from tests.deploy.audit.hand_made_town import DISTRICT, Town, town

SUMS, FOLDS, SIDES = "sums-are-zero", "book-folds", "no-overdraft"
EARNED, HOLDS, VOUCHERS = "earned-is-served", "holds-are-orders", "vouchers-used-once"
COUNTERS, ONCE, TOLD, LEFT = "counters-count", "one-outcome", "told-and-copied", "nothing-left"

ADA = f"{DISTRICT}:volunteer:ada"
MINT, OPENING = f"{DISTRICT}:mint:main", f"{DISTRICT}:opening:main"

Audited = Callable[..., Report]
Break = Callable[[Town], object]
LogBreak = Callable[[HandMadeLogs], object]
Row = tuple[str, Break, set[str], str]
"""What is broken, how, which invariants must be named, and words of a finding."""


def broken(*rows: Row) -> pytest.MarkDecorator:
    """Run a test once for each way to break the town."""
    return pytest.mark.parametrize(
        ("change", "names", "words"), [row[1:] for row in rows], ids=[row[0] for row in rows]
    )


def assert_named(report: Report, names: set[str], words: str) -> None:
    """Assert that exactly these invariants do not hold, and that a finding has these words."""
    findings = {i.name: i.findings for i in report.invariants if not i.holds}
    assert set(findings) == names, json.dumps(findings, ensure_ascii=False, indent=1)
    assert any(words in finding for found in findings.values() for finding in found), findings


def broken_town(change: Break) -> Town:
    """Return a town in which one thing is not true."""
    made = town()
    change(made)
    return made


def posting(made: Town, fact: str) -> dict[str, Any]:
    return next(one for one in made.book.journal if one["_id"] == fact)


def resealed(change: Break) -> Break:
    """Let the change be hashed as if the ledger itself had written it so."""

    def change_and_seal(made: Town) -> None:
        change(made)
        made.book.seal()

    return change_and_seal


def change_line(fact: str, place: int, **values: Any) -> Break:
    return lambda made: posting(made, fact)["lines"][place].update(values)


def change(service: str, name: str, _id: str, **values: Any) -> Break:
    return lambda made: made.find(service, name, _id).update(values)


def drop(service: str, name: str, _id: str) -> Break:
    return lambda made: made.drop(service, name, _id)


def add(service: str, name: str, **document: Any) -> Break:
    return lambda made: made.add(service, name, **document)


def answer(service: str, person: str, key: str, **value: Any) -> Break:
    return lambda made: made.answer(service, person, key, 202, value)


def tell(service: str, kind: str, aggregate: str, version: int, **body: Any) -> Break:
    return lambda made: made.tell(service, kind, aggregate, version, **body)


def both(*changes: Break) -> Break:
    def change_all(made: Town) -> None:
        for one in changes:
            one(made)

    return change_all


def post(fact: str, *moves: Any) -> Break:
    """Add a posting that no ledger makes; of the kind that is told to nobody."""
    return lambda made: made.book.post(fact, "open", {}, list(moves))
