"""Where the ledger's parts are joined: its web app and its worker."""

from __future__ import annotations

from typing import cast

from flask import Flask

from services.ledger import repository
from services.ledger.handlers import SUBSCRIPTIONS
from services.ledger.hearer import Answers, LedgerHearer
from services.ledger.relay import JournalRelay
from services.ledger.routes import books
from services.ledger.settings import LedgerSettings
from services.ledger.telling import Correlations
from services.ledger.writer import Writer
from shared import clock, logs, web
from shared.mongo import ServiceDatabase
from shared.settings import load
from shared.worker import Worker
from shared.worker.handling import Subscriptions

SERVICE = "ledger"


def create_app(settings: LedgerSettings | None = None) -> Flask:
    """Return the web app; after the fork, since it connects."""
    settings = settings or load(LedgerSettings)
    return web.create_app(
        settings, service=SERVICE, database=open_database(settings), blueprints=[books]
    )


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


def open_database(settings: LedgerSettings) -> ServiceDatabase:
    """Return the ledger's database, its collections and indexes made."""
    logs.configure(service=SERVICE, slot=settings.slot, level=settings.log_level)
    clock.use(offset_file=settings.clock_offset_file or None, error_s=settings.clock_error_s)
    database = ServiceDatabase.connect(settings, SERVICE)
    repository.prepare(database)
    return database
