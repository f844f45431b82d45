"""When the clock must stand where: the moments at which people check in and check out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

PAUSE = timedelta(minutes=90)
"""After so long without anybody coming or going a part of the day is over, and is confirmed."""


class Attending(Protocol):
    """Someone who comes and goes."""

    @property
    def arrives_at(self) -> datetime:
        """When they check in."""

    @property
    def leaves_at(self) -> datetime:
        """When they check out."""


Who = TypeVar("Who", bound=Attending)


@dataclass(frozen=True, kw_only=True)
class Moment(Generic[Who]):
    """A time of the day with those who come and those who go at it."""

    at: datetime
    arriving: tuple[Who, ...]
    leaving: tuple[Who, ...]


@dataclass(frozen=True, kw_only=True)
class Part(Generic[Who]):
    """A morning, an afternoon, an evening: its moments in order, and all who served in it."""

    moments: tuple[Moment[Who], ...]

    @property
    def served(self) -> tuple[Who, ...]:
        """Those whose service ends in this part, in the order in which they leave."""
        return tuple(who for moment in self.moments for who in moment.leaving)


def parts(attending: Iterable[Who]) -> list[Part[Who]]:
    """Return the parts of the day, or days, in which these people serve."""
    arriving: dict[datetime, list[Who]] = defaultdict(list)
    leaving: dict[datetime, list[Who]] = defaultdict(list)
    for who in attending:
        arriving[who.arrives_at].append(who)
        leaving[who.leaves_at].append(who)
    moments = [
        Moment(at=at, arriving=tuple(arriving[at]), leaving=tuple(leaving[at]))
        for at in sorted({*arriving, *leaving})
    ]
    return [Part(moments=tuple(run)) for run in _runs(moments)]


def _runs(moments: Sequence[Moment[Who]]) -> list[list[Moment[Who]]]:
    """Cut where nobody is at work and nothing happens for a while."""
    runs: list[list[Moment[Who]]] = []
    at_work = 0
    for moment in moments:
        if not runs or (at_work == 0 and moment.at - runs[-1][-1].at > PAUSE):
            runs.append([])
        runs[-1].append(moment)
        at_work += len(moment.arriving) - len(moment.leaving)
    return runs
