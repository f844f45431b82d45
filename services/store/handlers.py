"""Kafka in: one function per event, and the table of all that the store hears."""

from __future__ import annotations

from datetime import datetime

from services.store import operations
from shared.events import ledger, volunteers
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.worker import alone
from shared.worker.handling import Subscriptions


def on_volunteer_registered(
    work: UnitOfWork, event: volunteers.VolunteerRegistered, _now: datetime
) -> None:
    """Know the person's status."""
    operations.note_status(
        work, volunteer_id=event.volunteer_id, status=event.status, version=event.version
    )


def on_volunteer_status_changed(
    work: UnitOfWork, event: volunteers.VolunteerStatusChanged, _now: datetime
) -> None:
    """Know the person's new status."""
    operations.note_status(
        work, volunteer_id=event.volunteer_id, status=event.status, version=event.version
    )


def on_hold_placed(work: UnitOfWork, event: ledger.HoldPlaced, now: datetime) -> None:
    """Confirm the order: its points are set aside."""
    operations.confirm_order(
        work, order_id=event.order_id, district=event.district, amount=event.amount, now=now
    )


def on_hold_refused(work: UnitOfWork, event: ledger.HoldRefused, now: datetime) -> None:
    """Refuse the order, or end one that was being cancelled; its stock comes back."""
    operations.refuse_order(
        work, order_id=event.order_id, district=event.district, reason=event.reason, now=now
    )


def on_hold_captured(work: UnitOfWork, event: ledger.HoldCaptured, _now: datetime) -> None:
    """Credit the merchant with the order."""
    operations.capture_order(
        work,
        order_id=event.order_id,
        district=event.district,
        amount=event.amount,
        n=event.n,
        at=event.at,
    )


def on_hold_released(work: UnitOfWork, event: ledger.HoldReleased, now: datetime) -> None:
    """End the cancelled order; its stock comes back."""
    operations.release_order(work, order_id=event.order_id, district=event.district, now=now)


def stock_of(
    database: ServiceDatabase, event: ledger.HoldRefused | ledger.HoldReleased
) -> str | None:
    """Return the name of the lock on the stock that comes back."""
    return operations.stock_of_order(database, event.order_id)


SUBSCRIPTIONS: Subscriptions = {
    volunteers.VolunteerRegistered: on_volunteer_registered,
    volunteers.VolunteerStatusChanged: on_volunteer_status_changed,
    ledger.HoldPlaced: on_hold_placed,
    # These write a contended thing, so each is heard in a transaction of its own under its lock.
    ledger.HoldRefused: alone(on_hold_refused, holding=stock_of),
    ledger.HoldCaptured: on_hold_captured,
    ledger.HoldReleased: alone(on_hold_released, holding=stock_of),
}
