"""Kafka in: the table of all that volunteers hears."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services.volunteers import model, operations
from shared.events import Event
from shared.events.activities import ServiceConfirmed
from shared.mongo import UnitOfWork


def on_service_confirmed(work: UnitOfWork, event: ServiceConfirmed, now: datetime) -> None:
    """Count the record's minutes, where this version is newer than the one counted."""
    heard = model.ServiceMinutes(
        record_id=event.record_id,
        volunteer_id=event.volunteer_id,
        version=event.version,
        kind=event.kind,
        minutes=event.minutes,
        served_at=event.served_at,
        district=event.district,
    )
    operations.note_service(work, heard, now=now)


SUBSCRIPTIONS: dict[type[Event], Callable[[UnitOfWork, Any, datetime], None]] = {
    ServiceConfirmed: on_service_confirmed,
}
