"""What belongs to the running app: its settings."""

from __future__ import annotations

from typing import cast

from services.volunteers.settings import VolunteersSettings
from shared.web import service_db


def own_settings() -> VolunteersSettings:
    """Return the settings of the app that answers this request."""
    return cast("VolunteersSettings", service_db().settings)
