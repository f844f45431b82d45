"""Where the store's parts are joined: its web app and its worker."""

from __future__ import annotations

from flask import Flask

from services.store.handlers import SUBSCRIPTIONS
from services.store.operations import ask_open_questions, cancel_expired_vouchers
from services.store.repository import make_collections
from services.store.routes import BLUEPRINTS
from services.store.settings import StoreSettings
from shared import clock, logs, web
from shared.mongo import ServiceDatabase
from shared.settings import load
from shared.worker import Worker

SERVICE = "store"


def create_app(settings: StoreSettings | None = None) -> Flask:
    """Return the web app; after the fork, since it connects."""
    settings = settings or load(StoreSettings)
    return web.create_app(
        settings, service=SERVICE, database=_database(settings), blueprints=BLUEPRINTS
    )


def create_worker(settings: StoreSettings | None = None) -> Worker:
    """Return the worker that hears, relays and sweeps."""
    settings = settings or load(StoreSettings)
    return Worker(
        settings=settings,
        database=_database(settings),
        subscriptions=SUBSCRIPTIONS,
        sweeps=[ask_open_questions, cancel_expired_vouchers],
        questions="orders",
    )


def _database(settings: StoreSettings) -> ServiceDatabase:
    logs.configure(service=SERVICE, slot=settings.slot, level=settings.log_level)
    clock.use(offset_file=settings.clock_offset_file or None, error_s=settings.clock_error_s)
    database = ServiceDatabase.connect(settings, SERVICE)
    make_collections(database)
    return database
