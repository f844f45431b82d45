"""Who redeems what: ordinary errands, and the parts that a day at the market must have."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ORDERS_A_VOLUNTEER = 0.5
RIVALS_MAX = 8
KEEN_ORDERS = 3
"""One more than a month allows."""
EVERY_CANCELLED, EVERY_KEPT = 8, 10
EVERY_SHOWN_TWICE, EVERY_SHOWN_ELSEWHERE, EVERY_DOUBLE_CLICK = 10, 20, 15


class NobodyToPlay(Exception):
    """Too few people have points for one of the parts of the market."""


@dataclass(frozen=True, kw_only=True)
class ShelfItem:
    """An item on the shelf; ``supplier`` is a place in the list of merchants and talents."""

    item_id: str
    supplier: int
    title: str
    price: int
    pieces: int
    fresh: bool


class Fate(StrEnum):
    """What becomes of a voucher."""

    USED = "used"
    CANCELLED = "cancelled"
    KEPT = "kept"


@dataclass(frozen=True, kw_only=True)
class Errand:
    """One order of one piece, and what becomes of it; ``buyer`` is a place in the list."""

    buyer: int
    item: ShelfItem
    fate: Fate
    clicks_twice: bool = False
    shown_twice: bool = False
    shown_elsewhere: bool = False


@dataclass(frozen=True, kw_only=True)
class Cast:
    """Who plays which part, by their places in the list."""

    poor: int
    """Has too few points for anything."""
    spender: int
    """Redeems until nothing is left, and once more."""
    keen: int
    """Wants the same thing once more than a month allows."""
    rivals: tuple[int, ...]
    """Ask for the last piece at the same moment."""


def cast(points: Mapping[int, int], *, cheapest: int) -> Cast:
    """Choose the players by what they have; refuse a district in which too few have earned."""
    by_points = sorted(points, key=lambda place: (points[place], place))
    poor = next((place for place in by_points if points[place] < cheapest), None)
    able = [place for place in reversed(by_points) if points[place] >= cheapest]
    if poor is None or len(able) < KEEN_ORDERS + 1 or points[able[0]] < cheapest * KEEN_ORDERS:
        raise NobodyToPlay(
            f"{len(able)} people have {cheapest} hundredths of a point or more, "
            f"the richest has {max(points.values(), default=0)}"
        )
    keen, spender, *others = able
    return Cast(
        poor=poor,
        spender=spender,
        keen=keen,
        rivals=tuple(others[: min(RIVALS_MAX, max(2, len(points) // 20))]),
    )


def errands(
    points: Mapping[int, int], shelf: Sequence[ShelfItem], *, wanted: int, rng: random.Random
) -> list[Errand]:
    """Return so many orders as people can pay, each within what is on the shelf and the month."""
    left = dict(points)
    pieces = {item.item_id: item.pieces for item in shelf}
    had: Counter[tuple[int, str]] = Counter()
    buyers = sorted(points)
    rng.shuffle(buyers)
    found: list[Errand] = []
    while buyers and len(found) < wanted:
        still_able = []
        for buyer in buyers:
            able = [
                item
                for item in rng.sample(shelf, min(len(shelf), 40))
                if item.price <= left[buyer]
                and pieces[item.item_id]
                and not had[buyer, item.item_id]
            ]
            if not able or len(found) == wanted:
                continue
            item = max(able, key=lambda item: item.price)
            left[buyer] -= item.price
            pieces[item.item_id] -= 1
            had[buyer, item.item_id] += 1
            found.append(_errand(buyer, item, len(found)))
            still_able.append(buyer)
        buyers = still_able
    return found


def purse(points: int, shelf: Sequence[ShelfItem]) -> list[ShelfItem]:
    """Return what someone redeems until the points are gone, and one thing more that they cannot.

    Dear things first, each once; the last is the cheapest that costs more than what is left.
    """
    bought: list[ShelfItem] = []
    left = points
    for item in sorted(shelf, key=lambda item: (-item.price, item.title)):
        if item.price <= left and item.pieces > 1:
            bought.append(item)
            left -= item.price
    beyond = [item for item in shelf if item.price > left and item not in bought]
    return [*bought, min(beyond, key=lambda item: (item.price, item.title))]


def _errand(buyer: int, item: ShelfItem, number: int) -> Errand:
    fate = Fate.USED
    if number % EVERY_CANCELLED == 3:
        fate = Fate.CANCELLED
    elif number % EVERY_KEPT == 5:
        fate = Fate.KEPT
    return Errand(
        buyer=buyer,
        item=item,
        fate=fate,
        clicks_twice=number % EVERY_DOUBLE_CLICK == 2,
        shown_twice=fate is Fate.USED and number % EVERY_SHOWN_TWICE == 0,
        shown_elsewhere=fate is Fate.USED and number % EVERY_SHOWN_ELSEWHERE == 0,
    )
