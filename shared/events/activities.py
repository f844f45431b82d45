"""What the activities service tells. The key is the district where the activity was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from shared.events.envelope import Event


@dataclass(frozen=True, kw_only=True)
class ServiceConfirmed(Event):
    """An organiser confirmed a service record, or corrected it: then ``version`` is the next one.

    Each version says the whole truth of the record; a hearer takes only what is newer.
    """

    AGGREGATE: ClassVar[str] = "record_id"

    record_id: str
    version: int
    district: str
    """The district of the activity; its book takes the earning."""
    region: str
    activity_id: str
    shift_id: str
    volunteer_id: str
    kind: str
    """``credit`` (self-recorded, earns) or ``honorary`` (entered, never earns)."""
    minutes: int
    served_at: datetime
    """The shift's start: the time of the fact, by which rules are chosen."""
    at: datetime


EVENTS = (ServiceConfirmed,)
