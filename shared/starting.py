"""What every process of a service begins with."""

from __future__ import annotations

from shared import clock, logs
from shared.settings import Settings


def begin(settings: Settings, *, service: str) -> None:
    """Let this process's logs and clock be as its settings say; again, it replaces what was set."""
    logs.configure(service=service, slot=settings.slot, level=settings.log_level)
    clock.use(offset_file=settings.clock_offset_file or None, error_s=settings.clock_error_s)
