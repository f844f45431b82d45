"""What belongs to the running app: its database."""

from __future__ import annotations

from flask import current_app

from shared.mongo import ServiceDatabase

DATABASE = "gongxiang_database"


def service_db() -> ServiceDatabase:
    """Return the database of the app that answers this request."""
    database: ServiceDatabase = current_app.extensions[DATABASE]
    return database
