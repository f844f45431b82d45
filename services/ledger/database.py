"""What the ledger's web and worker both begin with: logs, clock, database."""

from __future__ import annotations

from services.ledger.repository import prepare
from services.ledger.settings import LedgerSettings
from shared import clock, logs
from shared.mongo import ServiceDatabase

SERVICE = "ledger"


def open_database(settings: LedgerSettings) -> ServiceDatabase:
    """Return the service's database, its collections and indexes made."""
    logs.configure(service=SERVICE, slot=settings.slot, level=settings.log_level)
    clock.use(offset_file=settings.clock_offset_file or None, error_s=settings.clock_error_s)
    database = ServiceDatabase.connect(settings, SERVICE)
    prepare(database)
    return database
