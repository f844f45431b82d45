"""What the ledger's web and worker both begin with: logs, clock, database."""

from __future__ import annotations

from services.ledger.repository import prepare
from services.ledger.settings import LedgerSettings
from shared.mongo import ServiceDatabase
from shared.starting import begin

SERVICE = "ledger"


def open_database(settings: LedgerSettings) -> ServiceDatabase:
    """Return the service's database, its collections and indexes made."""
    begin(settings, service=SERVICE)
    database = ServiceDatabase.connect(settings, SERVICE)
    prepare(database)
    return database
