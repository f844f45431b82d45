"""One audit from its wait to its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from deploy.audit import answers, copies, events, journal, places, stock, undone
from deploy.audit.earnings import Earnings
from deploy.audit.fold import Fold
from deploy.audit.holds import Holds
from deploy.audit.logs import Logs, opened
from deploy.audit.report import TITLES, Invariant, Report
from deploy.audit.sources import TELLERS, Sources, Step, connected, in_silence
from shared import clock
from shared.settings import Settings

LOOKS_MAX = 3
"""How often a system with findings is looked at before it is believed that it does not move."""


def audit(
    mongo_uri: str,
    kafka_bootstrap: str,
    *,
    database_prefix: str = Settings.database_prefix,
    wait_s: float = 60,
    strict: bool = True,
    told: Sequence[Mapping[str, Any]] = (),
    expected_dead_letters: Sequence[str] = (),
    expected_alarms: Sequence[str] = (),
    time_zone: str = "Asia/Shanghai",
    operator: Settings | None = None,
    step: Step = in_silence,
) -> Report:
    """Wait for an installation to come to rest (≤ ``wait_s``), check it, and return the report.

    - ``strict``: an invariant that looked at nothing does not hold (demo and tests).
    - ``told``: what clients were answered, as ``{service, method, path, key, status, body}``.
    - ``expected_dead_letters``: ids, or ``service:id``; ``expected_alarms``: ``kind``,
      ``kind:about`` or ``service:kind:about``. What is there must be exactly these.
    - ``operator``: as whom to ask the servers, where they want a user.

    Raises pymongo's errors and :class:`shared.kafka.BrokerTrouble` where a server is away.
    """
    began = clock.monotonic()
    with (
        connected(mongo_uri, database_prefix, step, operator=operator) as sources,
        opened(kafka_bootstrap, operator=operator) as logs,
    ):
        waited, before = 0.0, None
        for _ in range(LOOKS_MAX):
            left, seconds = undone.wait_until_done(sources, logs, max(0.0, wait_s - waited))
            waited += seconds
            report = check_all(
                sources,
                logs,
                left,
                strict=strict,
                told=told,
                expected_dead_letters=expected_dead_letters,
                expected_alarms=expected_alarms,
                zone=ZoneInfo(time_zone),
            )
            # Figures are read one after the other, maybe while people are at work: a finding counts
            # when a second look has it too.
            if report.holds or report.as_dict()["invariants"] == before:
                break
            before = report.as_dict()["invariants"]
    report.waited_s = waited
    report.seconds = clock.monotonic() - began
    return report


def check_all(
    sources: Sources,
    logs: Logs,
    left: Sequence[str] = (),
    *,
    strict: bool,
    told: Sequence[Mapping[str, Any]] = (),
    expected_dead_letters: Sequence[str] = (),
    expected_alarms: Sequence[str] = (),
    zone: ZoneInfo,
) -> Report:
    """Check a system at rest; ``left`` is what the wait had to leave undone."""
    found = {name: Invariant(name, strict) for name in TITLES}
    report = Report(list(found.values()), drained=not left)
    earnings = Earnings(found["earned-is-served"])
    holds = Holds(found["holds-are-orders"], found["vouchers-used-once"])
    counters, told_and_copied = found["counters-count"], found["told-and-copied"]
    postings = events.Postings(sources, logs, told_and_copied)
    _read_books(sources, report, found, (earnings, holds, postings))
    looks: tuple[tuple[Invariant, Callable[[], object]], ...] = (
        (found["earned-is-served"], lambda: earnings.check(sources)),
        (found["holds-are-orders"], lambda: holds.check(sources)),
        (counters, lambda: stock.check(sources, counters)),
        (counters, lambda: places.check(sources, counters, zone)),
        (found["one-outcome"], lambda: answers.check(sources, found["one-outcome"], told)),
        (told_and_copied, postings.check),
        *(
            (told_and_copied, partial(events.check_service, sources, logs, name, told_and_copied))
            for name in TELLERS
        ),
        (told_and_copied, lambda: copies.check_people(sources, told_and_copied)),
        (told_and_copied, lambda: copies.check_records(sources, told_and_copied, earnings.records)),
        (told_and_copied, lambda: copies.check_settlement(sources, told_and_copied, holds.orders)),
    )
    for invariant, look in looks:
        _readable(invariant, look)
    undone.check(
        sources,
        found["nothing-left"],
        left,
        expected_dead_letters=expected_dead_letters,
        expected_alarms=expected_alarms,
    )
    return report


def _read_books(
    sources: Sources,
    report: Report,
    found: Mapping[str, Invariant],
    observers: Sequence[journal.Observer],
) -> None:
    """Read every book once, for all who look on; say which have nothing but their opening."""
    seen = 0
    folds = found["book-folds"]
    books = {str(book["_id"]): book for book in journal.books(sources)}
    for book, row in books.items():
        fold = Fold(row, sources.collection("ledger", "accounts").find({"book": book}), found)
        for posting in journal.postings(sources, book):
            seen += 1
            for observer in (fold, *observers):
                _readable(folds, partial(observer.see, book, posting), str(posting["_id"]))
        fold.close()
        if fold.head <= 1:
            report.empty.append(book)
    held = sources.collection("ledger", "journal").count_documents({})
    folds.expect(held == seen, f"{held} postings are in the journal, {seen} in the open books")
    for account in sources.scan("ledger", "accounts", ("book",)):
        if account["book"] not in books or not account["_id"].startswith(f"{account['book']}:"):
            folds.found(f"row {account['_id']} is of no open book")


def _readable(invariant: Invariant, look: Callable[[], object], what: str = "") -> None:
    """Look at documents; one that is not of its shape is a finding, never the audit's own end."""
    try:
        look()
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        invariant.found(
            f"{what or 'a document'} is not of its shape: {type(error).__name__} {error}"
        )
