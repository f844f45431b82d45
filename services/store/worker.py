"""Where the parts of the store's worker are joined; no web comes with it."""

from __future__ import annotations

from services.store.database import open_database
from services.store.handlers import SUBSCRIPTIONS
from services.store.operations import ask_open_questions, cancel_expired_vouchers
from services.store.settings import StoreSettings
from shared.settings import load
from shared.worker import Worker


def create_worker(settings: StoreSettings | None = None) -> Worker:
    """Return the worker that hears, relays and sweeps."""
    settings = settings or load(StoreSettings)
    return Worker(
        settings=settings,
        database=open_database(settings),
        subscriptions=SUBSCRIPTIONS,
        sweeps=[ask_open_questions, cancel_expired_vouchers],
        questions="orders",
    )
