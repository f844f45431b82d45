"""Where the parts of the ledger's worker are joined; no web comes with it."""

from __future__ import annotations

from typing import cast

from services.ledger.database import open_database
from services.ledger.handlers import SUBSCRIPTIONS
from services.ledger.hearer import Answers, LedgerHearer
from services.ledger.relay import JournalRelay
from services.ledger.settings import LedgerSettings
from services.ledger.telling import Correlations
from services.ledger.writer import Writer
from shared.settings import load
from shared.worker import Worker
from shared.worker.handling import Subscriptions


def create_worker(settings: LedgerSettings | None = None) -> Worker:
    """Return the worker: it posts what it hears, and tells what was posted."""
    settings = settings or load(LedgerSettings)
    database = open_database(settings)
    correlations = Correlations()
    answers = Answers(database, settings, correlations)
    hearer = LedgerHearer(database, Writer(database), answers, correlations)
    return Worker(
        settings=settings,
        database=database,
        # Only its keys are looked at: the hearer below does the rest.
        subscriptions=cast("Subscriptions", SUBSCRIPTIONS),
        hearer=hearer,
        relay=JournalRelay(database, correlations),
        closing=[hearer.close],
    )
