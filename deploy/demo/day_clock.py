"""The hand of the day's clock: forwards only, and for all processes of the system at once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from shared import clock

HEARD_AFTER_S = 0.12
"""The processes read the offset again every 50 ms."""


class DayClock:
    """Moves the embedded clock's offset. Nothing else of the day touches a time."""

    def __init__(self, offset_file: Path) -> None:
        self._offset_file = offset_file
        self._offset_s = 0.0
        clock.use(offset_file=str(offset_file), error_s=0.0)

    def now(self) -> datetime:
        """Return what the clock shows everyone."""
        return clock.now()

    def advance_to(self, moment: datetime) -> None:
        """Return when every process reads this time or a later one; never turns back."""
        ahead = (moment - clock.real_now()).total_seconds()
        if ahead <= self._offset_s:
            return
        clock.advance_file(self._offset_file, ahead)
        self._offset_s = ahead
        clock.sleep(HEARD_AFTER_S)
