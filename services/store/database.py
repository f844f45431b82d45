"""What the store's web and worker both begin with: logs, clock, database."""

from __future__ import annotations

from services.store.repository import make_collections
from services.store.settings import StoreSettings
from shared import clock, logs
from shared.mongo import ServiceDatabase

SERVICE = "store"


def open_database(settings: StoreSettings) -> ServiceDatabase:
    """Return the service's database, its collections and indexes made."""
    logs.configure(service=SERVICE, slot=settings.slot, level=settings.log_level)
    clock.use(offset_file=settings.clock_offset_file or None, error_s=settings.clock_error_s)
    database = ServiceDatabase.connect(settings, SERVICE)
    make_collections(database)
    return database
