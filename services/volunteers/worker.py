"""Where the parts of volunteers' worker are joined; no web comes with it."""

from __future__ import annotations

from services.volunteers.database import open_database
from services.volunteers.handlers import SUBSCRIPTIONS
from services.volunteers.settings import VolunteersSettings
from shared.settings import load
from shared.worker import Worker


def create_worker(settings: VolunteersSettings | None = None) -> Worker:
    """Return the worker that hears and relays; there is nothing to sweep."""
    settings = settings or load(VolunteersSettings)
    return Worker(settings=settings, database=open_database(settings), subscriptions=SUBSCRIPTIONS)
