"""Organisers confirm what was served, and correct it; the points follow through the ledger.

Latency: ``confirm_to_points`` is the time from the confirmation's request to the answer that shows
the record BANKED, in real time, of the confirmations that two organisers make one after the other
(about a third of what the embedded database carries); all others are made by eight at once and not
measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from deploy.demo.client import Body, Token
from deploy.demo.crew import CALM_CLIENTS
from deploy.demo.district import District
from deploy.demo.scene import Scene
from deploy.demo.signing_up import Attending
from shared import ids

CALM_MAX = 60
"""So many of a part of the day, a third at most, are confirmed in the calm, and measured."""
EVERY_CORRECTION = 16
CORRECTED_BY_MINUTES = 30


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """A service record in the book."""

    attending: Attending
    record_id: str
    minutes: int
    posted_n: int


def confirm_all(scene: Scene, district: District, served: Sequence[Attending]) -> list[Confirmed]:
    """Return the records of everyone who served, each with its points in the book."""
    calm = min(CALM_MAX, len(served) // 3)
    confirmed = scene.crew.each(
        "确认服务（平时）· Services are confirmed, calmly",
        served[:calm],
        lambda who: _confirm(scene, district, who, measured=True),
        clients=CALM_CLIENTS,
    )
    return confirmed + scene.crew.each(
        "确认服务 · Services are confirmed",
        served[calm:],
        lambda who: _confirm(scene, district, who, measured=False),
    )


def refuse_own(scene: Scene, served: Sequence[Attending]) -> None:
    """Let an organiser who served try to confirm it: refused."""
    for who in served:
        path = f"/sign-ups/{who.sign_up_id}/service-records"
        scene.tally.must_refuse(
            "own-service", partial(scene.services.activities.post, path, by=who.member.token)
        )


def correct_some(
    scene: Scene, district: District, confirmed: Sequence[Confirmed]
) -> dict[str, Confirmed]:
    """Correct one record in so many by half an hour; return these, by the record's id."""
    corrected = scene.crew.each(
        "更正时长 · Records are corrected",
        [record for record in confirmed[::EVERY_CORRECTION] if record.minutes],
        lambda record: correct(
            scene, district, record, minutes=max(0, record.minutes - CORRECTED_BY_MINUTES)
        ),
    )
    return {record.record_id: record for record in corrected}


def correct(scene: Scene, district: District, record: Confirmed, *, minutes: int) -> Confirmed:
    """Give the record its next version; return it once the book has the difference."""
    answer = _settled(
        scene,
        f"/service-records/{record.record_id}/corrections",
        {"minutes": minutes, "reason": "签到表核对后更正 · corrected by the attendance sheet"},
        _other_organiser(district, record.attending),
    )
    scene.tally.count("services_corrected")
    return _confirmed(record.attending, answer)


def _confirm(scene: Scene, district: District, who: Attending, *, measured: bool) -> Confirmed:
    def ask() -> Body:
        return _settled(
            scene,
            f"/sign-ups/{who.sign_up_id}/service-records",
            None,
            _other_organiser(district, who),
        )

    answer = scene.tally.timed("confirm_to_points", ask) if measured else ask()
    scene.tally.count("services_confirmed")
    return _confirmed(who, answer)


def _confirmed(who: Attending, answer: Body) -> Confirmed:
    return Confirmed(
        attending=who,
        record_id=answer["record_id"],
        minutes=answer["minutes"],
        posted_n=answer["posted_n"],
    )


def _settled(scene: Scene, path: str, body: Body | None, by: Token) -> Body:
    return scene.services.activities.settle(
        path, body, by=by, key=ids.new_id(), done=lambda answer: answer["state"] == "BANKED"
    )


def _other_organiser(district: District, who: Attending) -> Token:
    return district.organiser(who.wish.slot.region, but_not=who.member.volunteer_id)
