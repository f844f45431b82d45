"""What activities hears."""

from __future__ import annotations

from datetime import datetime

from services.activities import operations
from shared.events.ledger import PointsEarned
from shared.events.volunteers import VolunteerRegistered, VolunteerStatusChanged
from shared.mongo import UnitOfWork
from shared.worker.handling import Subscriptions


def on_volunteer_registered(work: UnitOfWork, event: VolunteerRegistered, _now: datetime) -> None:
    operations.copy_volunteer(
        work, volunteer_id=event.volunteer_id, status=event.status, version=event.version
    )


def on_volunteer_status_changed(
    work: UnitOfWork, event: VolunteerStatusChanged, _now: datetime
) -> None:
    operations.copy_volunteer(
        work, volunteer_id=event.volunteer_id, status=event.status, version=event.version
    )


def on_points_earned(work: UnitOfWork, event: PointsEarned, _now: datetime) -> None:
    operations.bank_record(
        work,
        record_id=event.record_id,
        version=event.version,
        n=event.n,
        district=event.district,
    )


SUBSCRIPTIONS: Subscriptions = {
    VolunteerRegistered: on_volunteer_registered,
    VolunteerStatusChanged: on_volunteer_status_changed,
    PointsEarned: on_points_earned,
}
