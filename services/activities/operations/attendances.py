"""Checking in and out; codes; check-outs that were forgotten."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from services.activities import repository
from services.activities.model import (
    DEFAULTS,
    Attendance,
    CheckedInElsewhere,
    CodeNeeded,
    NotSignedUp,
    Rules,
    Shift,
    check_code,
    checked_in,
    checked_out,
    code_shown,
    forgotten,
    lapsed,
)
from services.activities.operations.scope import must_find
from services.activities.operations.sign_ups import seen_sign_up
from services.activities.operations.views import View, sign_up_view
from services.activities.repository import Document
from shared.auth import Principal
from shared.errors import NotThere
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.rules import rule_at
from shared.settings import KeyRing

SWEEP_MAX = 200


def check_in_code(
    database: ServiceDatabase, *, shift_id: str, who: Principal, now: datetime, keys: KeyRing
) -> View:
    """Return the code to show at a shift now, and when its life ends."""
    shift = repository.shift(database, shift_id)
    if shift is None:
        raise NotThere
    must_find(who, shift.region)
    rules = rule_at(database, shift.district, shift.starts_at, DEFAULTS)
    _, key = keys.current
    code, expires_at = code_shown(
        shift_id=shift_id, now=now, life_seconds=rules.check_in_code_seconds, key=key
    )
    return {"shift_id": shift_id, "code": code, "expires_at": expires_at}


def check_in(
    work: UnitOfWork,
    *,
    sign_up_id: str,
    who: Principal,
    code: str | None,
    now: datetime,
    keys: KeyRing,
) -> View:
    """Return the sign-up with one more check-in.

    The volunteer needs the code of the moment, who leads the region does not. Refuses what was
    withdrawn, outside of the time for it, and while checked in elsewhere.
    """
    sign_up, shift, rules = _at_the_door(work, sign_up_id, who, code, now, keys)
    attendance = repository.attendance(work, sign_up_id) or Attendance()
    if lapsed(attendance=attendance, now=now):
        attendance = forgotten(attendance=attendance, rules=rules)
    attendance = checked_in(
        attendance=attendance, shift=shift, by=who.person_id, now=now, rules=rules
    )
    _leave_elsewhere(work, sign_up["volunteer_id"], sign_up_id, now)
    if not repository.mark_attended(work, sign_up_id=sign_up_id):
        raise NotSignedUp
    _save(work, sign_up, attendance, present=True)
    return sign_up_view(sign_up, attendance)


def check_out(
    work: UnitOfWork,
    *,
    sign_up_id: str,
    who: Principal,
    code: str | None,
    now: datetime,
    keys: KeyRing,
) -> View:
    """Return the sign-up with its check-in ended; refuses without one, and too late."""
    sign_up, _, _ = _at_the_door(work, sign_up_id, who, code, now, keys)
    attendance = repository.attendance(work, sign_up_id) or Attendance()
    attendance = checked_out(attendance=attendance, by=who.person_id, now=now)
    _save(work, sign_up, attendance, present=False)
    return sign_up_view(sign_up, attendance)


def close_forgotten(database: ServiceDatabase, now: datetime, _real_now: datetime) -> int:
    """Close the attendances whose check-out was forgotten; return how many."""
    sign_up_ids = repository.lapsed_attendances(database, now=now, limit=SWEEP_MAX)
    return sum(
        database.unit_of_work(partial(close_if_lapsed, sign_up_id=sign_up_id, now=now))
        for sign_up_id in sign_up_ids
    )


def close_if_lapsed(work: UnitOfWork, *, sign_up_id: str, now: datetime) -> bool:
    """Close one attendance if its check-out is missing and its time for it over; else False."""
    sign_up = repository.sign_up(work, sign_up_id)
    attendance = repository.attendance(work, sign_up_id)
    if sign_up is None or attendance is None or not lapsed(attendance=attendance, now=now):
        return False
    rules = rule_at(work, sign_up["district"], sign_up["starts_at"], DEFAULTS)
    _save(work, sign_up, forgotten(attendance=attendance, rules=rules), present=False)
    return True


def _at_the_door(
    work: UnitOfWork,
    sign_up_id: str,
    who: Principal,
    code: str | None,
    now: datetime,
    keys: KeyRing,
) -> tuple[Document, Shift, Rules]:
    """Return sign-up, shift and rules where this person may check in or out with this code."""
    sign_up = seen_sign_up(work, sign_up_id, who)
    shift = repository.shift(work, sign_up["shift_id"])
    if shift is None:
        raise NotThere
    rules = rule_at(work, shift.district, shift.starts_at, DEFAULTS)
    if sign_up["volunteer_id"] == who.person_id or code is not None:
        # Also an organiser needs the code for an own service: someone else may have shown it.
        if code is None:
            raise CodeNeeded
        check_code(
            code=code,
            shift_id=shift.shift_id,
            now=now,
            life_seconds=rules.check_in_code_seconds,
            keys=keys.keys,
        )
    if sign_up["state"] != "standing":
        raise NotSignedUp
    return sign_up, shift, rules


def _leave_elsewhere(work: UnitOfWork, volunteer_id: str, sign_up_id: str, now: datetime) -> None:
    """Refuse while the person is at another shift; one whose time is over is closed here."""
    elsewhere = repository.presence(work, volunteer_id)
    if elsewhere is None or elsewhere == sign_up_id:
        return
    attendance = repository.attendance(work, elsewhere)
    if attendance is None or not attendance.present:
        return
    if not close_if_lapsed(work, sign_up_id=elsewhere, now=now):
        raise CheckedInElsewhere(sign_up_id=elsewhere)


def _save(work: UnitOfWork, sign_up: Document, attendance: Attendance, *, present: bool) -> None:
    """Write the attendance, and with it where the person is."""
    volunteer_id = sign_up["volunteer_id"]
    here = repository.presence(work, volunteer_id)
    if present:
        here = sign_up["_id"]
    elif here == sign_up["_id"]:
        here = None
    repository.write_presence(work, volunteer_id=volunteer_id, sign_up_id=here)
    repository.save_attendance(work, sign_up=sign_up, attendance=attendance)
