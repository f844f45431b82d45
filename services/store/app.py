"""Where the parts of the store's web are joined; its worker's are in ``worker.py``."""

from __future__ import annotations

from flask import Flask

from services.store.database import SERVICE, open_database
from services.store.routes import BLUEPRINTS
from services.store.settings import StoreSettings
from shared import web
from shared.settings import load


def create_app(settings: StoreSettings | None = None) -> Flask:
    """Return the web app; after the fork, since it connects."""
    settings = settings or load(StoreSettings)
    return web.create_app(
        settings, service=SERVICE, database=open_database(settings), blueprints=BLUEPRINTS
    )
