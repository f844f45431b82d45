"""What activities' web and worker both begin with: logs, clock, database."""

from __future__ import annotations

from services.activities.repository import make_collections
from services.activities.settings import ActivitiesSettings
from shared.mongo import ServiceDatabase
from shared.starting import begin

SERVICE = "activities"


def open_database(settings: ActivitiesSettings) -> ServiceDatabase:
    """Return the service's database, its collections and indexes made."""
    begin(settings, service=SERVICE)
    database = ServiceDatabase.connect(settings, SERVICE)
    make_collections(database)
    return database
