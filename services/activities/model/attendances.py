"""Attendance: up to three pairs of check-in and check-out of one sign-up.

Rules over several documents: one person is present at one shift at a time. The person's *presence*
(one document, the sign-up at which the person is now) decides it: every check-in and check-out,
and the closing of a forgotten one, writes it. The diary of the day cannot, where one shift ends and
the next begins at midnight. The number of pairs is counted in the attendance, one per sign-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.activities.model.activities import Shift
from services.activities.model.rules import Rules
from shared.errors import Refusal


class NotSignedUp(Refusal):
    """The sign-up was withdrawn."""

    title = "报名已取消，不能签到 · The sign-up was withdrawn"


class CheckInNotOpen(Refusal):
    """Too early or too late."""

    title = "不在签到时间内 · Check-in is not open"


class CheckedInElsewhere(Refusal):
    """Nobody is at two places at once."""

    title = "正在另一班次服务，请先签退 · Checked in at another shift"


class AlreadyCheckedIn(Refusal):
    """The last check-in has no check-out yet."""

    title = "已经签到 · Already checked in"


class TooManyCheckIns(Refusal):
    """The pairs of one sign-up are counted."""

    title = "签到次数过多 · Too many check-ins"


class NotCheckedIn(Refusal):
    """There is no check-in to end."""

    title = "尚未签到 · Not checked in"


class CheckOutClosed(Refusal):
    """The check-out was forgotten; the leader decides what it is worth."""

    title = "签退时间已过，由负责人认定 · Too late to check out; the leader decides"


class AlreadyConfirmed(Refusal):
    """The attendance has its service record."""

    title = "服务已确认 · The service is confirmed already"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One check-in and, once there, its check-out; ``by`` says whose hand it was."""

    in_at: datetime
    in_by: str
    out_at: datetime | None = None
    out_by: str | None = None


@dataclass(frozen=True, kw_only=True)
class Attendance:
    """The pairs of one sign-up.

    ``closes_at`` stands while a check-out is missing: then it is closed as forgotten. ``forgotten``
    stays; ``decide_until`` says how long the leader may decide. ``record_id`` ends it.
    """

    pairs: tuple[Pair, ...] = ()
    closes_at: datetime | None = None
    forgotten: bool = False
    decide_until: datetime | None = None
    record_id: str | None = None

    @property
    def present(self) -> bool:
        """Tell whether a check-out is missing."""
        return bool(self.pairs) and self.pairs[-1].out_at is None


def checked_in(
    *, attendance: Attendance, shift: Shift, by: str, now: datetime, rules: Rules
) -> Attendance:
    """Return the attendance with one more check-in.

    The first is taken from 30 minutes before to 30 minutes after the start; who was there and left
    may come back until the end. Refuses a fourth pair, a second check-in without a check-out, and
    one after a forgotten check-out or the confirmation.
    """
    if attendance.record_id is not None:
        raise AlreadyConfirmed
    opens_at = shift.starts_at - timedelta(minutes=rules.check_in_opens_minutes)
    closes_at = shift.starts_at + timedelta(minutes=rules.check_in_closes_minutes)
    if attendance.pairs:
        closes_at = max(closes_at, shift.ends_at)
    if attendance.present:
        raise AlreadyCheckedIn
    if attendance.forgotten or not opens_at <= now <= closes_at:
        raise CheckInNotOpen(opens_at=opens_at, closes_at=closes_at)
    if len(attendance.pairs) >= rules.check_in_pairs_max:
        raise TooManyCheckIns(pairs_max=rules.check_in_pairs_max)
    return replace(
        attendance,
        pairs=(*attendance.pairs, Pair(in_at=now, in_by=by)),
        closes_at=shift.ends_at + timedelta(minutes=rules.check_out_grace_minutes),
    )


def checked_out(*, attendance: Attendance, by: str, now: datetime) -> Attendance:
    """Return the attendance with its last pair ended; refuses where none is open, or too late."""
    if not attendance.present:
        if attendance.forgotten:
            raise CheckOutClosed
        raise NotCheckedIn
    if lapsed(attendance=attendance, now=now):
        raise CheckOutClosed
    # A clock that was set back must not make minutes, nor lose them: never before the check-in.
    last = replace(attendance.pairs[-1], out_at=max(now, attendance.pairs[-1].in_at), out_by=by)
    return replace(attendance, pairs=(*attendance.pairs[:-1], last), closes_at=None)


def lapsed(*, attendance: Attendance, now: datetime) -> bool:
    """Tell whether the check-out that is missing was forgotten: its time is over."""
    return attendance.closes_at is not None and now > attendance.closes_at


def forgotten(*, attendance: Attendance, rules: Rules) -> Attendance:
    """Return a lapsed attendance closed: worth 0 until the leader decides, within some days."""
    if attendance.closes_at is None:
        raise NotCheckedIn
    last = replace(attendance.pairs[-1], out_at=attendance.closes_at, out_by="forgotten")
    return replace(
        attendance,
        pairs=(*attendance.pairs[:-1], last),
        closes_at=None,
        forgotten=True,
        decide_until=attendance.closes_at + timedelta(days=rules.decision_days),
    )


def minutes_attended(*, pairs: Sequence[Pair], starts_at: datetime, ends_at: datetime) -> int:
    """Return the whole minutes of the ended pairs that lie inside a shift, whatever their share."""
    inside = (
        min(pair.out_at, ends_at) - max(pair.in_at, starts_at)
        for pair in pairs
        if pair.out_at is not None
    )
    return sum((max(time, timedelta()) for time in inside), timedelta()) // timedelta(minutes=1)


def minutes_served(*, pairs: Sequence[Pair], shift: Shift, rules: Rules) -> int:
    """Return the whole minutes served inside the shift; 0 where less than its minimum share.

    Source: minimum share of attendance, 60 % by default (district rule `minimum_share_percent`).
    """
    served = minutes_attended(pairs=pairs, starts_at=shift.starts_at, ends_at=shift.ends_at)
    return served if served * 100 >= shift.minutes * rules.minimum_share_percent else 0
