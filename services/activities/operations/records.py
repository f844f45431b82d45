"""Confirming what was served, correcting it, and hearing that it is banked."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime
from functools import partial

from services.activities import repository
from services.activities.model import (
    DEFAULTS,
    Attendance,
    ChangedMeanwhile,
    check_correction,
    forgotten,
    is_banked_by,
    lapsed,
    minutes_confirmed,
)
from services.activities.operations.scope import leads, must_find
from services.activities.operations.views import View, record_view
from services.activities.repository import Document, Source, order_of
from shared import ids
from shared.asking import next_ask
from shared.auth import Principal
from shared.errors import Alarm, NotThere
from shared.events.activities import ServiceConfirmed
from shared.mongo import ServiceDatabase, UnitOfWork, ask_again
from shared.rules import rule_at

ASK_MAX = 200

log = logging.getLogger(__name__)


def confirm_service(
    work: UnitOfWork,
    *,
    sign_up_id: str,
    who: Principal,
    minutes: int | None,
    reason: str | None,
    now: datetime,
    real_now: datetime,
) -> View:
    """Return the service record of an attendance, version 1, told to the ledger and volunteers.

    The minutes follow from check-in and check-out; ``minutes`` is the leader's decision where a
    check-out was forgotten or the minimum share missed. Refuses one's own service.
    """
    sign_up = repository.sign_up(work, sign_up_id)
    if sign_up is None:
        raise NotThere
    must_find(who, sign_up["region"])
    shift = repository.shift(work, sign_up["shift_id"])
    if shift is None:
        raise NotThere
    rules = rule_at(work, shift.district, shift.starts_at, DEFAULTS)
    attendance = repository.attendance(work, sign_up_id)
    if attendance is not None and lapsed(attendance=attendance, now=now):
        # The sweep would have closed it; the rules go by the time, not by the sweep.
        attendance = forgotten(attendance=attendance, rules=rules)
    confirmed_minutes = minutes_confirmed(
        attendance=attendance,
        shift=shift,
        volunteer_id=sign_up["volunteer_id"],
        by=who.person_id,
        decided_minutes=minutes,
        now=now,
        rules=rules,
    )
    record_id = ids.new_id()
    # The attendance is what two confirmations at once both write; it also ends any check-in.
    closed = replace(attendance or Attendance(), record_id=record_id)
    repository.save_attendance(work, sign_up=sign_up, attendance=closed)
    row: Document = {
        "_id": record_id,
        "sign_up_id": sign_up_id,
        "shift_id": shift.shift_id,
        "activity_id": shift.activity_id,
        "district": shift.district,
        "region": shift.region,
        "volunteer_id": sign_up["volunteer_id"],
        "version": 1,
        "kind": "credit",
        "minutes": confirmed_minutes,
        "shift_minutes": shift.minutes,
        "state": "CONFIRMED",
        "posted_n": None,
        "confirmed_by": who.person_id,
        "served_at": shift.starts_at,
        "ask_at": real_now + next_ask(0),
        "asked": 0,
        "history": [_entry(1, confirmed_minutes, reason, who, now)],
        "order": order_of(shift.starts_at, record_id),
    }
    repository.add_record(work, row)
    _tell(work, row, now)
    return record_view(row)


def correct_service(
    work: UnitOfWork,
    *,
    record_id: str,
    who: Principal,
    minutes: int,
    reason: str,
    now: datetime,
    real_now: datetime,
) -> View:
    """Return the record's next version; the ledger posts the difference.

    Refuses one's own service, more than the shift's length, and a fifty-first version.
    """
    row = _led_record(work, record_id, who)
    check_correction(record=repository.record_of(row), minutes=minutes, by=who.person_id)
    version = row["version"] + 1
    entry = _entry(version, minutes, reason, who, now)
    values = {
        "minutes": minutes,
        "state": "CONFIRMED",
        "posted_n": None,
        "confirmed_by": who.person_id,
        "ask_at": real_now + next_ask(0),
        "asked": 0,
    }
    raised = repository.raise_version(
        work, record_id=record_id, version=row["version"], values=values, entry=entry
    )
    if not raised:
        raise ChangedMeanwhile
    after = {**row, **values, "version": version, "history": [*row["history"], entry]}
    _tell(work, after, now)
    return record_view(after)


def bank_record(work: UnitOfWork, *, record_id: str, version: int, n: int, district: str) -> None:
    """Mark a record banked by the posting of its newest version; older ones change nothing.

    Raises an alarm for what cannot be: no such record, a version never told, two postings of one.
    """
    row = repository.record(work, record_id)
    if row is None or row["district"] != district:
        raise Alarm("points-of-no-record", record_id, f"posting {n} of book {district}")
    if not is_banked_by(record=repository.record_of(row), version=version, n=n):
        log.info("late or repeated", extra={"record_id": record_id, "version": version, "n": n})
        return
    repository.bank_record(work, record_id=record_id, version=version, n=n)


def ask_for_points(database: ServiceDatabase, _now: datetime, real_now: datetime) -> int:
    """Tell again what is not banked yet and due (real time); return how many were."""
    rows = repository.unbanked_records(database, real_now=real_now, limit=ASK_MAX)
    return sum(database.unit_of_work(partial(_ask, row=row, real_now=real_now)) for row in rows)


def one_record(source: Source, *, record_id: str, who: Principal) -> View:
    """Return a record to its volunteer and to who leads its region."""
    row = repository.record(source, record_id)
    if row is None or not (row["volunteer_id"] == who.person_id or leads(who, row["region"])):
        raise NotThere
    return record_view(row)


def list_own_records(
    source: Source, *, volunteer_id: str, after: str | None, limit: int
) -> list[Document]:
    """Return the documents of a person's records, the latest service first."""
    return repository.list_records_of(source, volunteer_id=volunteer_id, after=after, limit=limit)


def list_records_for(
    source: Source, *, shift_id: str, who: Principal, after: str | None, limit: int
) -> list[Document]:
    """Return the documents of a shift's records to who leads its region."""
    shift = repository.shift(source, shift_id)
    if shift is None:
        raise NotThere
    must_find(who, shift.region)
    return repository.list_records_for(source, shift_id=shift_id, after=after, limit=limit)


def _ask(work: UnitOfWork, *, row: Document, real_now: datetime) -> bool:
    noted = repository.ask_later(
        work,
        record_id=row["_id"],
        version=row["version"],
        asked=row["asked"],
        ask_at=real_now + next_ask(row["asked"] + 1),
    )
    if not noted:
        return False
    # The same outbox row, so the same event id: whoever heard it before is not disturbed.
    if not ask_again(work, f"{row['_id']}:{row['version']}"):
        # The row is gone, which nothing of ours does; the same question is put there once more.
        log.warning("a question's row was gone", extra={"record_id": row["_id"]})
        _tell(work, row, row["history"][-1]["at"])
    return True


def _led_record(source: Source, record_id: str, who: Principal) -> Document:
    row = repository.record(source, record_id)
    if row is None:
        raise NotThere
    must_find(who, row["region"])
    return row


def _entry(
    version: int, minutes: int, reason: str | None, who: Principal, now: datetime
) -> Document:
    return {
        "version": version,
        "minutes": minutes,
        "reason": reason,
        "by": who.person_id,
        "at": now,
    }


def _tell(work: UnitOfWork, row: Document, now: datetime) -> None:
    work.tell(
        ServiceConfirmed(
            record_id=row["_id"],
            version=row["version"],
            district=row["district"],
            region=row["region"],
            activity_id=row["activity_id"],
            shift_id=row["shift_id"],
            volunteer_id=row["volunteer_id"],
            kind=row["kind"],
            minutes=row["minutes"],
            served_at=row["served_at"],
            at=now,
        )
    )
