"""Where the parts of volunteers are joined: its web app and its worker."""

from __future__ import annotations

from flask import Flask

from services.volunteers.handlers import SUBSCRIPTIONS
from services.volunteers.repository import make_collections
from services.volunteers.routes import BLUEPRINTS
from services.volunteers.settings import VolunteersSettings
from shared import clock, logs, web
from shared.auth import KnownKeys, Verifier
from shared.mongo import ServiceDatabase
from shared.settings import load
from shared.worker import Worker

SERVICE = "volunteers"


def create_app(settings: VolunteersSettings | None = None) -> Flask:
    """Return the web app; after the fork, since it connects."""
    settings = settings or load(VolunteersSettings)
    return web.create_app(
        settings,
        service=SERVICE,
        database=connect(settings),
        blueprints=BLUEPRINTS,
        # Whoever holds the seeds need not ask itself for the public keys.
        verifier=Verifier(KnownKeys(settings.token_keys.keys)),
    )


def create_worker(settings: VolunteersSettings | None = None) -> Worker:
    """Return the worker that hears and relays; there is nothing to sweep."""
    settings = settings or load(VolunteersSettings)
    return Worker(settings=settings, database=connect(settings), subscriptions=SUBSCRIPTIONS)


def connect(settings: VolunteersSettings) -> ServiceDatabase:
    """Return the service's database with its collections."""
    logs.configure(service=SERVICE, slot=settings.slot, level=settings.log_level)
    clock.use(offset_file=settings.clock_offset_file or None, error_s=settings.clock_error_s)
    database = ServiceDatabase.connect(settings, SERVICE)
    make_collections(database)
    return database
