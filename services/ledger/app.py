"""Where the parts of the ledger's web are joined; its worker's are in ``worker.py``."""

from __future__ import annotations

from flask import Flask

from services.ledger.database import SERVICE, open_database
from services.ledger.routes import books
from services.ledger.settings import LedgerSettings
from shared import web
from shared.settings import load


def create_app(settings: LedgerSettings | None = None) -> Flask:
    """Return the web app; after the fork, since it connects."""
    settings = settings or load(LedgerSettings)
    return web.create_app(
        settings, service=SERVICE, database=open_database(settings), blueprints=[books]
    )
