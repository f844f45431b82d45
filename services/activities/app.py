"""Where the parts of activities are joined: its web app and its worker."""

from __future__ import annotations

from flask import Flask

from services.activities.handlers import SUBSCRIPTIONS
from services.activities.operations import SWEEPS
from services.activities.repository import make_collections
from services.activities.routes import BLUEPRINTS
from services.activities.settings import ActivitiesSettings
from shared import clock, logs, web
from shared.mongo import ServiceDatabase
from shared.settings import load
from shared.worker import Worker

SERVICE = "activities"


def create_app(settings: ActivitiesSettings | None = None) -> Flask:
    """Return the web app; after the fork, since it connects."""
    settings = settings or load(ActivitiesSettings)
    return web.create_app(
        settings, service=SERVICE, database=_database(settings), blueprints=BLUEPRINTS
    )


def create_worker(settings: ActivitiesSettings | None = None) -> Worker:
    """Return the worker that hears, relays and sweeps."""
    settings = settings or load(ActivitiesSettings)
    return Worker(
        settings=settings,
        database=_database(settings),
        subscriptions=SUBSCRIPTIONS,
        sweeps=SWEEPS,
        questions="records",
    )


def _database(settings: ActivitiesSettings) -> ServiceDatabase:
    logs.configure(service=SERVICE, slot=settings.slot, level=settings.log_level)
    clock.use(offset_file=settings.clock_offset_file or None, error_s=settings.clock_error_s)
    database = ServiceDatabase.connect(settings, SERVICE)
    make_collections(database)
    return database
