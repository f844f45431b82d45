"""Service records: what an attendance is worth, confirmed by an organiser who did not serve in it.

Each correction is the record's next version and says the whole truth; the ledger posts the
difference. A record is BANKED only by its own newest version.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.activities.model.activities import Shift
from services.activities.model.attendances import (
    AlreadyConfirmed,
    Attendance,
    minutes_attended,
    minutes_served,
)
from services.activities.model.rules import Rules
from shared.errors import Alarm, Refusal

State = Literal["CONFIRMED", "BANKED"]

VERSIONS_MAX = 50


class OwnService(Refusal):
    """Nobody confirms or corrects what they served themselves."""

    status = 403
    title = "不能确认自己的服务 · One's own service is confirmed by another"


class NotAttended(Refusal):
    """Nobody checked in."""

    title = "没有签到记录 · Nobody checked in"


class StillPresent(Refusal):
    """The check-out is missing, and its time is not over."""

    title = "尚未签退 · Not checked out yet"


class MinutesAreComputed(Refusal):
    """Minutes are the server's, from check-in and check-out, but where the leader must decide."""

    title = "时长由系统计算 · Minutes are computed from check-in and check-out"


class MoreThanAttended(Refusal):
    """The leader may decide no more than there was."""

    title = "超过实际在场时长 · More minutes than were attended"


class DecisionTooLate(Refusal):
    """A forgotten check-out was left undecided too long: it stays worth 0."""

    title = "已过认定期限 · Too late to decide"


class MoreThanTheShift(Refusal):
    """No correction makes a service longer than its shift."""

    title = "超过班次时长 · More minutes than the shift has"


class TooManyCorrections(Refusal):
    """A record has at most fifty versions."""

    title = "更正次数过多 · Too many corrections"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the rules need to know of a standing service record."""

    record_id: str
    volunteer_id: str
    version: int
    minutes: int
    shift_minutes: int
    state: State
    posted_n: int | None


def leader_decides(*, attendance: Attendance, shift: Shift, rules: Rules) -> bool:
    """Tell whether the leader decides the minutes: forgotten, or below the minimum share."""
    return attendance.forgotten or not minutes_served(
        pairs=attendance.pairs, shift=shift, rules=rules
    )


def minutes_confirmed(
    *,
    attendance: Attendance | None,
    shift: Shift,
    volunteer_id: str,
    by: str,
    decided_minutes: int | None,
    now: datetime,
    rules: Rules,
) -> int:
    """Return the minutes of version 1.

    They are what was served; 0 where the check-out was forgotten or the minimum share was missed,
    unless the leader decides another figure: no more than was attended, and in time. Refuses one's
    own service, one that is still going on, and one that has its record.
    """
    if volunteer_id == by:
        raise OwnService
    if attendance is None or not attendance.pairs:
        raise NotAttended
    if attendance.record_id is not None:
        raise AlreadyConfirmed(record_id=attendance.record_id)
    if attendance.present:
        raise StillPresent
    decides = leader_decides(attendance=attendance, shift=shift, rules=rules)
    if decided_minutes is None:
        return 0 if decides else minutes_served(pairs=attendance.pairs, shift=shift, rules=rules)
    if not decides:
        raise MinutesAreComputed
    if attendance.decide_until is not None and now > attendance.decide_until:
        raise DecisionTooLate(decide_until=attendance.decide_until)
    attended = minutes_attended(
        pairs=attendance.pairs, starts_at=shift.starts_at, ends_at=shift.ends_at
    )
    if decided_minutes > attended:
        raise MoreThanAttended(attended_minutes=attended)
    return decided_minutes


def check_correction(*, record: Record, minutes: int, by: str) -> None:
    """Refuse to correct one's own service, beyond the shift, or a fifty-first version."""
    if record.volunteer_id == by:
        raise OwnService
    if minutes > record.shift_minutes:
        raise MoreThanTheShift(shift_minutes=record.shift_minutes)
    if record.version >= VERSIONS_MAX:
        raise TooManyCorrections(versions_max=VERSIONS_MAX)


def is_banked_by(*, record: Record, version: int, n: int) -> bool:
    """Tell whether posting ``n`` of a version banks the record now.

    An older version's is late and harmless, the same posting told again too. Raises an alarm for
    a version that was never told, and for two postings of one version.
    """
    if version < record.version:
        return False
    if version > record.version:
        raise Alarm("version-never-told", record.record_id, f"posting {n} of version {version}")
    if record.state == "BANKED":
        if record.posted_n != n:
            raise Alarm("banked-twice", record.record_id, f"postings {record.posted_n} and {n}")
        return False
    return True
