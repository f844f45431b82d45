"""Where the parts of volunteers' web are joined; its worker's are in ``worker.py``."""

from __future__ import annotations

from flask import Flask

from services.volunteers.database import SERVICE, open_database
from services.volunteers.routes import BLUEPRINTS
from services.volunteers.settings import VolunteersSettings
from shared import web
from shared.auth import KnownKeys, Verifier
from shared.settings import load


def create_app(settings: VolunteersSettings | None = None) -> Flask:
    """Return the web app; after the fork, since it connects."""
    settings = settings or load(VolunteersSettings)
    return web.create_app(
        settings,
        service=SERVICE,
        database=open_database(settings),
        blueprints=BLUEPRINTS,
        # Whoever holds the seeds need not ask itself for the public keys.
        verifier=Verifier(KnownKeys(settings.token_keys.keys)),
    )
