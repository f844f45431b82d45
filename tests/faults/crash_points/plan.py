"""Which crash points are still to be met, and which were."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.faults.crash_points.effects import Effect
from tests.faults.crash_points.lives import Life

WHEN = ("before", "after")


@dataclass(frozen=True, order=True)
class Point:
    """Just before or just after the ``number``-th time of an effect on one day; 0: any time."""

    effect: Effect
    when: str
    number: int = 0

    def __str__(self) -> str:
        nth = f" #{self.number}" if self.number else ""
        return f"{self.when} {self.effect}{nth}"


class Plan:
    """Lists the effects of the days, and lets a part crash where a point is still to be met."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self.listed: Counter[Effect] = Counter()
        """The most times that each effect was seen on one day."""
        self.met: list[Point] = []
        self.open: set[Point] = set()
        self._today: Counter[Effect] = Counter()
        self._resting = False

    def begin_day(self) -> None:
        """Count anew."""
        with self._guard:
            self._today.clear()

    def meet(self, points: Iterable[Point]) -> None:
        """Let a part crash at each of these points, once, where it comes by."""
        with self._guard:
            self.open = set(points)
            self._resting = False

    def rest(self) -> None:
        """Let nothing crash until :meth:`go_on`."""
        self._resting = True

    def go_on(self) -> None:
        """Let parts crash again."""
        self._resting = False

    def before(self, life: Life, about: Sequence[Effect]) -> None:
        """Crash here where that is still to be met."""
        with self._guard:
            due = self._due(life, "before", [(one, self._today[one] + 1) for one in about])
        if due:
            life.crash()

    def after(self, life: Life, about: Sequence[Effect]) -> None:
        """Count it, and crash here where that is still to be met."""
        with self._guard:
            for one in about:
                self._today[one] += 1
                self.listed[one] = max(self.listed[one], self._today[one])
            due = self._due(life, "after", [(one, self._today[one]) for one in about])
        if due:
            life.crash()

    def _due(self, life: Life, when: str, seen: Sequence[tuple[Effect, int]]) -> bool:
        """Tell whether to crash; what is met with it need not be met again."""
        if self._resting or life.dead or not (life.ready or life.is_starting):
            return False
        candidates = {Point(one, when, number) for one, nth in seen for number in (0, nth)}
        met = candidates & self.open
        self.open -= met
        self.met += sorted(met)
        return bool(met)
