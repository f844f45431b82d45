"""Where the parts of activities' web are joined; its worker's are in ``worker.py``."""

from __future__ import annotations

from flask import Flask

from services.activities.database import SERVICE, open_database
from services.activities.routes import BLUEPRINTS
from services.activities.settings import ActivitiesSettings
from shared import web
from shared.settings import load


def create_app(settings: ActivitiesSettings | None = None) -> Flask:
    """Return the web app; after the fork, since it connects."""
    settings = settings or load(ActivitiesSettings)
    return web.create_app(
        settings, service=SERVICE, database=open_database(settings), blueprints=BLUEPRINTS
    )
