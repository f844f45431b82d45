"""Signing up and withdrawing."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from services.activities import repository
from services.activities.model import (
    DEFAULTS,
    AlreadyWithdrawn,
    Entry,
    Rules,
    Shift,
    ShiftFull,
    check_sign_up,
    check_volunteer,
    check_withdrawal,
    days_of,
    entered,
    struck_out,
)
from services.activities.operations.scope import leads, must_find
from services.activities.operations.views import View, sign_up_view
from services.activities.repository import Document, Source
from shared import ids
from shared.auth import Principal
from shared.errors import NotThere
from shared.mongo import UnitOfWork
from shared.rules import rule_at


def sign_up(
    work: UnitOfWork, *, shift_id: str, volunteer_id: str, now: datetime, zone: ZoneInfo
) -> View:
    """Return a standing sign-up: a place is taken, and it stands in the person's diary.

    To be run while holding the shift. Refuses where no place is free, too late, and by the diary.
    """
    shift = repository.shift(work, shift_id)
    if shift is None:
        raise NotThere
    rules = _open_to(work, shift, volunteer_id=volunteer_id, now=now)
    # The contended write comes first; whatever is refused after it takes it back. Where the same
    # snapshot shows no free place it would change nothing, so it is not asked for.
    place_taken = not shift.full and repository.take_place(
        work, shift_id=shift_id, places=shift.places
    )
    sign_up_id = ids.new_id()
    after = _diaries_with(
        work, shift, sign_up_id=sign_up_id, volunteer_id=volunteer_id, rules=rules, zone=zone
    )
    if not place_taken:
        # Last, so that who holds a place of this shift hears that, and not that it is full.
        raise ShiftFull
    repository.write_diaries(work, volunteer_id=volunteer_id, entries=after)
    row = repository.add_sign_up(
        work, sign_up_id=sign_up_id, shift=shift, volunteer_id=volunteer_id, now=now
    )
    return sign_up_view(row, None)


def refuse_where_full(
    work: UnitOfWork, *, shift_id: str, volunteer_id: str, now: datetime, zone: ZoneInfo
) -> None:
    """Refuse as a sign-up would where no place of the shift is free. Only reads."""
    shift = repository.shift(work, shift_id)
    if shift is None or not shift.full:
        return
    rules = _open_to(work, shift, volunteer_id=volunteer_id, now=now)
    _diaries_with(
        work, shift, sign_up_id=ids.new_id(), volunteer_id=volunteer_id, rules=rules, zone=zone
    )
    raise ShiftFull


def withdraw(
    work: UnitOfWork, *, sign_up_id: str, volunteer_id: str, now: datetime, zone: ZoneInfo
) -> View:
    """Return the sign-up withdrawn: its place is free again, once, and the diary too.

    To be run while holding the shift. Refuses too late, twice, and after a check-in.
    """
    row = repository.own_sign_up(work, sign_up_id=sign_up_id, volunteer_id=volunteer_id)
    if row is None:
        raise NotThere
    rules = rule_at(work, row["district"], row["starts_at"], DEFAULTS)
    check_withdrawal(
        state=row["state"],
        attended=row["attended"],
        starts_at=row["starts_at"],
        now=now,
        rules=rules,
    )
    given_back = repository.give_place_back(work, shift_id=row["shift_id"])
    withdrawn = repository.withdraw_sign_up(work, sign_up_id=sign_up_id, now=now)
    if not (given_back and withdrawn):
        raise AlreadyWithdrawn
    days = days_of(starts_at=row["starts_at"], ends_at=row["ends_at"], zone=zone)
    diaries = repository.diaries(work, volunteer_id=volunteer_id, days=days)
    after = struck_out(diaries=diaries, sign_up_id=sign_up_id)
    repository.write_diaries(work, volunteer_id=volunteer_id, entries=after)
    return sign_up_view({**row, "state": "withdrawn", "withdrawn_at": now}, None)


def _open_to(work: UnitOfWork, shift: Shift, *, volunteer_id: str, now: datetime) -> Rules:
    """Return the rules of the shift's time; refuses too late, and who may not sign up."""
    rules = rule_at(work, shift.district, shift.starts_at, DEFAULTS)
    check_sign_up(shift=shift, now=now, rules=rules)
    check_volunteer(status=repository.volunteer_status(work, volunteer_id))
    return rules


def _diaries_with(
    work: UnitOfWork,
    shift: Shift,
    *,
    sign_up_id: str,
    volunteer_id: str,
    rules: Rules,
    zone: ZoneInfo,
) -> dict[date, tuple[Entry, ...]]:
    """Return the person's diaries with the shift in each; refuses what does not fit in them."""
    entry = Entry(
        sign_up_id=sign_up_id,
        shift_id=shift.shift_id,
        starts_at=shift.starts_at,
        ends_at=shift.ends_at,
    )
    days = days_of(starts_at=shift.starts_at, ends_at=shift.ends_at, zone=zone)
    diaries = repository.diaries(work, volunteer_id=volunteer_id, days=days)
    return entered(diaries=diaries, entry=entry, rules=rules, zone=zone)


def own_shift_of(source: Source, *, sign_up_id: str, volunteer_id: str) -> str:
    """Return the shift of a person's own sign-up: what its withdrawal has to hold."""
    row = repository.own_sign_up(source, sign_up_id=sign_up_id, volunteer_id=volunteer_id)
    if row is None:
        raise NotThere
    return str(row["shift_id"])


def seen_sign_up(source: Source, sign_up_id: str, who: Principal) -> Document:
    """Return a sign-up's document to its volunteer and to who leads its region."""
    row = repository.sign_up(source, sign_up_id)
    if row is None or not (row["volunteer_id"] == who.person_id or leads(who, row["region"])):
        raise NotThere
    return row


def one_sign_up(source: Source, *, sign_up_id: str, who: Principal) -> View:
    """Return a sign-up with its attendance."""
    row = seen_sign_up(source, sign_up_id, who)
    return sign_up_view(row, repository.attendance(source, sign_up_id))


def list_own_sign_ups(
    source: Source, *, volunteer_id: str, after: str | None, limit: int
) -> list[Document]:
    """Return the documents of a person's sign-ups, the latest shift first."""
    return repository.list_sign_ups_of(source, volunteer_id=volunteer_id, after=after, limit=limit)


def list_sign_ups_for(
    source: Source, *, shift_id: str, who: Principal, after: str | None, limit: int
) -> list[Document]:
    """Return the documents of a shift's sign-ups to who leads its region."""
    shift = repository.shift(source, shift_id)
    if shift is None:
        raise NotThere
    must_find(who, shift.region)
    return repository.list_sign_ups_for(source, shift_id=shift_id, after=after, limit=limit)


def sign_up_views(source: Source, rows: list[Document]) -> list[View]:
    """Return sign-ups with their attendances."""
    attendances = repository.attendances_of(source, [row["_id"] for row in rows])
    return [sign_up_view(row, attendances.get(row["_id"])) for row in rows]


def copy_volunteer(work: UnitOfWork, *, volunteer_id: str, status: str, version: int) -> None:
    """Keep what a person may do, where this is newer than what is kept."""
    repository.copy_volunteer(work, volunteer_id=volunteer_id, status=status, version=version)
