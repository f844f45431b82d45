"""What the volunteers service tells. Key and aggregate are the person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from shared.events.envelope import Event


@dataclass(frozen=True, kw_only=True)
class VolunteerRegistered(Event):
    """A person joined. Carries all that a copy keeps, so it does not matter which comes first."""

    KEY: ClassVar[str] = "volunteer_id"
    AGGREGATE: ClassVar[str] = "volunteer_id"

    volunteer_id: str
    version: int
    number: str
    """The public volunteer number."""
    region: str
    status: str
    """``active``, ``frozen`` (may receive, not spend or sign up) or ``closed``."""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class VolunteerStatusChanged(Event):
    """A person was frozen, freed or closed."""

    KEY: ClassVar[str] = "volunteer_id"
    AGGREGATE: ClassVar[str] = "volunteer_id"

    volunteer_id: str
    version: int
    number: str
    region: str
    status: str
    at: datetime


EVENTS = (VolunteerRegistered, VolunteerStatusChanged)
