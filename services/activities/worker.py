"""Where the parts of activities' worker are joined; no web comes with it."""

from __future__ import annotations

from services.activities.database import open_database
from services.activities.handlers import SUBSCRIPTIONS
from services.activities.operations import SWEEPS
from services.activities.settings import ActivitiesSettings
from shared.settings import load
from shared.worker import Worker


def create_worker(settings: ActivitiesSettings | None = None) -> Worker:
    """Return the worker that hears, relays and sweeps."""
    settings = settings or load(ActivitiesSettings)
    return Worker(
        settings=settings,
        database=open_database(settings),
        subscriptions=SUBSCRIPTIONS,
        sweeps=SWEEPS,
        questions="records",
    )
