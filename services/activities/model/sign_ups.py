"""Sign-ups and the person's diary of the day.

Rules over several documents, and the one document that decides each:

* places are never over-booked: the shift's ``taken``, raised only while it is less than ``places``;
* one standing sign-up per person and shift, no overlap with another of mine, no more than so many
  minutes a day: the person's diary of the day. Every sign-up and withdrawal *writes* the diaries
  of all days that its shift touches, so two at once cannot both read the diary as it was;
* a withdrawal against a first check-in: the sign-up itself, which both write.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.activities.model.activities import Shift
from services.activities.model.rules import Rules
from shared.errors import NotThere, Refusal


class SignUpClosed(Refusal):
    """The shift starts too soon, or its activity is over."""

    title = "报名已截止 · Sign-up is closed"


class ShiftFull(Refusal):
    """Every place is taken."""

    title = "名额已满 · The shift is full"


class AlreadySignedUp(Refusal):
    """One standing sign-up per person and shift."""

    title = "已经报名 · Already signed up"


class OverlappingSignUp(Refusal):
    """Nobody serves at two places at once."""

    title = "与已报名的班次时间冲突 · Overlaps another sign-up"


class TooManyHours(Refusal):
    """A day has its limit."""

    title = "超过每日服务时长上限 · Too many hours on one day"


class VolunteerNotActive(Refusal):
    """The person is frozen or has left."""

    status = 403
    title = "账号已冻结或注销 · The volunteer is frozen or closed"


class WithdrawalTooLate(Refusal):
    """The organiser counts on who is still signed up."""

    title = "已过取消报名的时限 · Too late to withdraw"


class AlreadyWithdrawn(Refusal):
    """The place was given back before."""

    title = "报名已取消 · Already withdrawn"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One standing sign-up in a diary, with the whole time of its shift."""

    sign_up_id: str
    shift_id: str
    starts_at: datetime
    ends_at: datetime


def check_volunteer(*, status: str | None) -> None:
    """Refuse who is frozen or closed; None, someone not heard of, is judged by the token alone."""
    if status not in (None, "active"):
        raise VolunteerNotActive


def check_sign_up(*, shift: Shift, now: datetime, rules: Rules) -> None:
    """Refuse a sign-up to a shift that is not published, or starts too soon."""
    if shift.status == "draft":
        raise NotThere
    closes_at = shift.starts_at - timedelta(minutes=rules.sign_up_closes_minutes)
    if shift.status == "closed" or now > closes_at:
        raise SignUpClosed(closed_at=closes_at)


def check_withdrawal(
    *, state: str, attended: bool, starts_at: datetime, now: datetime, rules: Rules
) -> None:
    """Refuse to withdraw twice, too late, or after a check-in."""
    if state != "standing":
        raise AlreadyWithdrawn
    closes_at = starts_at - timedelta(minutes=rules.withdrawal_closes_minutes)
    if attended or now > closes_at:
        raise WithdrawalTooLate(closed_at=closes_at)


def days_of(*, starts_at: datetime, ends_at: datetime, zone: ZoneInfo) -> tuple[date, ...]:
    """Return every day that a shift touches; one that ends at midnight does not touch the next."""
    first = starts_at.astimezone(zone).date()
    last = (ends_at - timedelta(microseconds=1)).astimezone(zone).date()
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def entered(
    *,
    diaries: Mapping[date, Sequence[Entry]],
    entry: Entry,
    rules: Rules,
    zone: ZoneInfo,
) -> dict[date, tuple[Entry, ...]]:
    """Return the diaries of a shift's days with its entry in each.

    ``diaries`` holds all days of :func:`days_of`. Refuses a second entry of the shift, one that
    overlaps another, and one that makes a day longer than it may be.
    """
    standing = {other.sign_up_id: other for entries in diaries.values() for other in entries}
    if any(other.shift_id == entry.shift_id for other in standing.values()):
        raise AlreadySignedUp
    for other in standing.values():
        if entry.starts_at < other.ends_at and other.starts_at < entry.ends_at:
            raise OverlappingSignUp(sign_up_id=other.sign_up_id, shift_id=other.shift_id)
    after = {day: (*entries, entry) for day, entries in diaries.items()}
    for day, entries in after.items():
        if minutes_on(day=day, entries=entries, zone=zone) > rules.day_minutes_max:
            raise TooManyHours(day=day.isoformat(), minutes_max=rules.day_minutes_max)
    return after


def struck_out(
    *, diaries: Mapping[date, Sequence[Entry]], sign_up_id: str
) -> dict[date, tuple[Entry, ...]]:
    """Return the diaries without one sign-up's entry."""
    return {
        day: tuple(entry for entry in entries if entry.sign_up_id != sign_up_id)
        for day, entries in diaries.items()
    }


def minutes_on(*, day: date, entries: Sequence[Entry], zone: ZoneInfo) -> int:
    """Return the minutes of a diary's entries that lie on its day."""
    start = datetime.combine(day, time(), zone)
    # Built from the date, not by adding 24 hours: a zone may have a day of 23 or 25.
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    return sum(
        max(_seconds(min(entry.ends_at, end)) - _seconds(max(entry.starts_at, start)), 0) // 60
        for entry in entries
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
