"""What every event says of itself: its key, its aggregate, and so its id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Event:
    """A fact that one service tells and others hear."""

    KEY: ClassVar[str] = "district"
    """The field that decides the partition: what has the same key lies in order."""

    AGGREGATE: ClassVar[str] = ""
    """The field that names whose order is promised; with ``version`` it makes the event's id."""

    @property
    def key(self) -> str:
        """Return the value of the key field."""
        return str(getattr(self, self.KEY))

    @property
    def aggregate(self) -> str:
        """Return the id of the aggregate that the event speaks of."""
        return str(getattr(self, self.AGGREGATE))

    def is_named(self, event_id: str) -> bool:
        """Tell whether an id is this event's: ``<aggregate>:<version>``."""
        return event_id == f"{self.aggregate}:{getattr(self, 'version', '')}"
