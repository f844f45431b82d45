"""Kafka in: one function per event, and the table of all that the ledger hears.

Unlike elsewhere a handler does nothing: it says what is asked, a command for a book or a newer copy
of a status. The hearer gives commands to the writer in batches. What an event says is not judged
here: the book refuses what cannot be meant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.ledger.model import Capture, Command, Earn, Hold, Release
from services.ledger.repository.copies import StatusCopy
from shared import clock
from shared.events import Event, activities, source_of, store, volunteers
from shared.worker import Heard

Asked = Command | StatusCopy


def on_service_confirmed(event: activities.ServiceConfirmed, event_id: str) -> Earn:
    """Bank what this version of the record is worth."""
    return Earn(
        book=event.district,
        id=event_id,
        source=source_of(type(event)),
        record=event.record_id,
        version=event.version,
        volunteer=event.volunteer_id,
        credit=event.kind,
        minutes=event.minutes,
        served_at=clock.to_ms(event.served_at),
    )


def on_order_placed(event: store.OrderPlaced, event_id: str) -> Hold:
    """Set the order's points aside."""
    return Hold(
        book=event.district,
        id=event_id,
        source=source_of(type(event)),
        order=event.order_id,
        volunteer=event.volunteer_id,
        amount=event.amount,
    )


def on_voucher_used(event: store.VoucherUsed, event_id: str) -> Capture:
    """Pay the merchant what is held."""
    return Capture(
        book=event.district,
        id=event_id,
        source=source_of(type(event)),
        order=event.order_id,
        volunteer=event.volunteer_id,
        merchant=event.merchant_id,
        amount=event.amount,
    )


def on_order_cancelled(event: store.OrderCancelled, event_id: str) -> Release:
    """Give back what is held."""
    return Release(
        book=event.district,
        id=event_id,
        source=source_of(type(event)),
        order=event.order_id,
        volunteer=event.volunteer_id,
    )


def on_volunteer_registered(event: volunteers.VolunteerRegistered, _event_id: str) -> StatusCopy:
    """Know the person's status."""
    return _status(event)


def on_volunteer_status_changed(
    event: volunteers.VolunteerStatusChanged, _event_id: str
) -> StatusCopy:
    """Know the person's new status."""
    return _status(event)


SUBSCRIPTIONS: Mapping[type[Event], Callable[[Any, str], Asked]] = {
    activities.ServiceConfirmed: on_service_confirmed,
    store.OrderPlaced: on_order_placed,
    store.VoucherUsed: on_voucher_used,
    store.OrderCancelled: on_order_cancelled,
    volunteers.VolunteerRegistered: on_volunteer_registered,
    volunteers.VolunteerStatusChanged: on_volunteer_status_changed,
}


def asked_by(heard: Heard) -> Asked:
    """Return what an event asks of the ledger."""
    return SUBSCRIPTIONS[type(heard.event)](heard.event, heard.id)


def _status(
    event: volunteers.VolunteerRegistered | volunteers.VolunteerStatusChanged,
) -> StatusCopy:
    return StatusCopy(volunteer_id=event.volunteer_id, version=event.version, status=event.status)
