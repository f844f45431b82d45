"""What volunteers' web and worker both begin with: logs, clock, database."""

from __future__ import annotations

from services.volunteers.repository import make_collections
from services.volunteers.settings import VolunteersSettings
from shared.mongo import ServiceDatabase
from shared.starting import begin

SERVICE = "volunteers"


def open_database(settings: VolunteersSettings) -> ServiceDatabase:
    """Return the service's database, its collections and indexes made."""
    begin(settings, service=SERVICE)
    database = ServiceDatabase.connect(settings, SERVICE)
    make_collections(database)
    return database
