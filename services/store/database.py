"""What the store's web and worker both begin with: logs, clock, database."""

from __future__ import annotations

from services.store.repository import make_collections
from services.store.settings import StoreSettings
from shared.mongo import ServiceDatabase
from shared.starting import begin

SERVICE = "store"


def open_database(settings: StoreSettings) -> ServiceDatabase:
    """Return the service's database, its collections and indexes made."""
    begin(settings, service=SERVICE)
    database = ServiceDatabase.connect(settings, SERVICE)
    make_collections(database)
    return database
