"""What a row of the table is, and what one arm of it measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.performance.stage import Stage


class NotSound(Exception):
    """An arm left an invariant broken: its figure does not count."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much an arm does: the full measure, or just enough to show that it runs."""

    small: bool

    def of(self, full: int, *, small: int) -> int:
        """Return one of the two."""
        return small if self.small else full


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one arm measured of one figure, once."""

    value: float
    checked: int
    """How many things were found sound after the work; an arm that checks none does not count."""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Part of the time → its share, from 0 to 1; parts in other threads may overlap."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A goal: what a figure has to reach, or must not pass."""

    value: float
    at_least: bool
    of: str = "ratio"
    """``ratio``, or ``ours`` for a row without a denominator."""

    def met(self, figure: float) -> bool:
        """Tell whether a figure keeps to it."""
        return figure >= self.value if self.at_least else figure <= self.value

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.value:g}"


def at_least(value: float, of: str = "ratio") -> Bound:
    """Return a goal that a figure has to reach."""
    return Bound(value, at_least=True, of=of)


def at_most(value: float, of: str = "ratio") -> Bound:
    """Return a goal that a figure must not pass."""
    return Bound(value, at_least=False, of=of)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a row, with its goals."""

    name: str
    unit: str
    goal: Bound
    world_class: Bound


Arm = Callable[[Stage, Size], Mapping[str, Sample]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the table: its figures, and the arms that are compared."""

    number: int
    figures: tuple[Figure, ...]
    ours: Arm
    theirs: Arm | None = None
    against: str
    """What the denominator is, in a line."""
    limited_by: str = ""
    """What is known beside the measured shares."""
    by_default: bool = True


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What something costs against a size: a line of the picture."""

    name: str
    axis: str
    unit: str
    sizes: tuple[int, ...]
    small: tuple[int, ...]
    cost: Callable[[Stage, Size, int], float]
    by_default: bool = True
