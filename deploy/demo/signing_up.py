"""People sign up: most in peace, some for the last places, some in vain; and some withdraw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from deploy.demo.client import Body
from deploy.demo.district import District
from deploy.demo.plan import sign_ups as plan
from deploy.demo.plan.sign_ups import Fate, Slot, Wish
from deploy.demo.scene import Member, Scene

OVERLAPS_MAX = 5
LATE_MAX = 3
LEADING_MAX = 2
TOO_LATE = timedelta(minutes=100)
"""So long before the start it is too late to withdraw (3 h) and to sign up (2 h)."""


@dataclass(frozen=True, kw_only=True)
class Attending:
    """A standing sign-up."""

    member: Member
    wish: Wish
    sign_up_id: str

    @property
    def arrives_at(self) -> datetime:
        """When the person checks in."""
        return self.wish.arrives_at

    @property
    def leaves_at(self) -> datetime:
        """When the person checks out."""
        return self.wish.leaves_at


def sign_up(
    scene: Scene, volunteers: Sequence[Member], slots: Sequence[Slot], wishes: Sequence[Wish]
) -> list[Attending]:
    """Let everyone sign up, and some withdraw in time; return the sign-ups that stand."""
    crew = scene.crew

    def one(wish: Wish) -> Attending | None:
        member = volunteers[wish.volunteer]
        answer = scene.tally.ask("sign_ups", lambda: _post(scene, member, wish.slot))
        if answer is None:
            return None
        return _attending(member, wish, answer)

    def overlapping(pair: tuple[int, Slot]) -> None:
        member, slot = volunteers[pair[0]], pair[1]
        scene.tally.must_refuse("overlapping-sign-up", lambda: _post(scene, member, slot))
        scene.tally.count("sign_ups_refused")

    found = crew.each("报名 · Volunteers sign up", wishes, one)
    rush = plan.rush(slots, wishes, volunteers=len(volunteers))
    found += crew.each("抢最后名额 · The last places of a shift", rush, one)
    standing = [attending for attending in found if attending]
    overlaps = plan.overlaps(slots, [attending.wish for attending in standing])
    crew.each("时间冲突的报名 · Overlapping sign-ups", overlaps[:OVERLAPS_MAX], overlapping)
    return _without_withdrawn(scene, standing)


def organisers_too(scene: Scene, district: District, slots: Sequence[Slot]) -> list[Attending]:
    """Let an organiser of two streets sign up for a shift of their own street."""
    found: list[Attending] = []
    for street, organisers in district.organisers.items():
        own = [slot for slot in slots if slot.region.startswith(street)]
        if own and len(found) < LEADING_MAX:
            wish = plan.plain_wish(max(own, key=lambda slot: (slot.places, slot.region)))
            found.append(_attending(organisers[0], wish, _post(scene, organisers[0], wish.slot)))
            scene.tally.count("sign_ups")
    return found


def too_late(scene: Scene, volunteers: Sequence[Member], standing: Sequence[Attending]) -> None:
    """Shortly before the first shift: withdrawals and sign-ups that come too late."""
    first = min(standing, key=lambda who: who.wish.slot.starts_at).wish.slot
    scene.clock.advance_to(first.starts_at - TOO_LATE)
    regretting = [who for who in standing if who.wish.slot.starts_at == first.starts_at]
    for who in regretting[:LATE_MAX]:
        scene.tally.must_refuse("withdrawal-too-late", partial(_withdraw, scene, who))
    outsider = volunteers[0]
    scene.tally.must_refuse("sign-up-closed", lambda: _post(scene, outsider, first))
    scene.tally.count("sign_ups_refused")


def _without_withdrawn(scene: Scene, standing: Sequence[Attending]) -> list[Attending]:
    withdrawing = [who for who in standing if who.wish.fate is Fate.WITHDRAWS]
    scene.crew.each("退出 · Withdrawals", withdrawing, lambda who: _withdraw(scene, who))
    scene.tally.count("withdrawals", len(withdrawing))
    return [who for who in standing if who.wish.fate is not Fate.WITHDRAWS]


def _attending(member: Member, wish: Wish, answer: Body) -> Attending:
    return Attending(member=member, wish=wish, sign_up_id=answer["sign_up_id"])


def _post(scene: Scene, member: Member, slot: Slot) -> Body:
    return scene.services.activities.post(f"/shifts/{slot.shift_id}/sign-ups", by=member.token)


def _withdraw(scene: Scene, who: Attending) -> Body:
    return scene.services.activities.post(
        f"/sign-ups/{who.sign_up_id}/withdrawals", by=who.member.token
    )
