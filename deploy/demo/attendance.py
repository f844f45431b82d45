"""The shifts themselves: people come and go while the clock moves on.

Three of four check in and out by the code that their organiser shows, which changes every few
seconds of the clock; for the others the organiser does it by hand.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence

from deploy.demo.client import Body, Token
from deploy.demo.crew import Step
from deploy.demo.district import District
from deploy.demo.plan.timetable import Moment
from deploy.demo.scene import Scene
from deploy.demo.signing_up import Attending
from shared import clock

CODE_GOOD_FOR_S = 10.0
"""A code lives 15 to 30 s; the organiser shows a fresh one well before it ends."""


class Lobby:
    """Where the organisers show their codes, and people check in and out."""

    def __init__(self, scene: Scene, district: District) -> None:
        self._scene = scene
        self._district = district
        self._activities = scene.services.activities
        self._shown: dict[str, tuple[str, float]] = {}
        self._guards: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._photographs: dict[str, str] = {}

    def pass_through(self, moments: Sequence[Moment[Attending]], step: Step) -> None:
        """Move the clock from moment to moment; at each, some leave and some arrive."""
        step.expect(sum(len(moment.leaving) + len(moment.arriving) for moment in moments))
        for moment in moments:
            self._scene.clock.advance_to(moment.at)
            # A code is of its moment: the clock has left the windows of the last one.
            self._shown.clear()
            step.each(moment.leaving, self._check_out, expected=True)
            step.each(moment.arriving, self._check_in, expected=True)

    def _check_in(self, who: Attending) -> None:
        if who.wish.by_code and who.wish.late and not self._scene.tally.refused["code-expired"]:
            self._try_photograph(who)
        self._pass(who, "check-ins")
        self._scene.tally.count("attendances")

    def _check_out(self, who: Attending) -> None:
        self._pass(who, "check-outs")

    def _pass(self, who: Attending, way: str) -> Body:
        path = f"/sign-ups/{who.sign_up_id}/{way}"
        if not who.wish.by_code:
            return self._activities.post(path, by=self._organiser(who))
        return self._activities.post(path, {"code": self._code(who)}, by=who.member.token)

    def _code(self, who: Attending) -> str:
        shift_id = who.wish.slot.shift_id
        with self._guards[shift_id]:
            code, shown_at = self._shown.get(shift_id, ("", -CODE_GOOD_FOR_S))
            if clock.monotonic() - shown_at >= CODE_GOOD_FOR_S:
                shown_at = clock.monotonic()
                code = self._activities.get(
                    f"/shifts/{shift_id}/check-in-code", by=self._organiser(who)
                )["code"]
                self._shown[shift_id] = code, shown_at
                self._photographs.setdefault(shift_id, code)
            return code

    def _try_photograph(self, who: Attending) -> None:
        """Try the code that somebody in time photographed and sent: its life is over."""
        photograph = self._photographs.get(who.wish.slot.shift_id)
        if photograph is not None:
            self._scene.tally.must_refuse(
                "code-expired",
                lambda: self._activities.post(
                    f"/sign-ups/{who.sign_up_id}/check-ins",
                    {"code": photograph},
                    by=who.member.token,
                ),
            )

    def _organiser(self, who: Attending) -> Token:
        return self._district.organiser(who.wish.slot.region, but_not=who.member.volunteer_id)
