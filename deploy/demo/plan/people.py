"""Who comes and who sells: names, telephones, homes, shops and what they put on the shelf."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploy.demo.data import Good, Market, Names, Region

VOLUNTEERS_MIN = 12
"""Fewer people cannot play all the parts that a day must have."""
VOLUNTEERS_PLANNED = 300
"""The places and pieces in the data files are for so many; more people have more of both."""

TALENTS_A_SKILL = 4
GOODS_A_SHOP_MAX = 2


@dataclass(frozen=True, kw_only=True)
class Person:
    """Someone with a telephone."""

    name: str
    phone: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Supplier:
    """A merchant or a talent with what it will put on the shelf, and the person who acts for it."""

    name: str
    kind: str
    introduction: str
    region: str
    goods: tuple[Good, ...]
    person: Person


def scale(volunteers: int) -> int:
    """Return how many times the planned places and pieces so many people need."""
    return -(-volunteers // VOLUNTEERS_PLANNED)


def people(
    names: Names, regions: Sequence[Region], *, count: int, first_phone: int, rng: random.Random
) -> list[Person]:
    """Return people with drawn names, consecutive telephones and homes all over the district."""
    return [
        Person(
            name=rng.choice(names.surnames)
            + "".join(rng.sample(names.given, rng.choice((1, 2, 2)))),
            phone=str(first_phone + place),
            region=rng.choice(regions).code,
        )
        for place in range(count)
    ]


def suppliers(
    market: Market,
    names: Names,
    regions: Sequence[Region],
    *,
    first_phone: int,
    times: int,
    rng: random.Random,
) -> list[Supplier]:
    """Return every shop of every trade, and four talents for each skill, with their goods."""
    shops: list[tuple[str, str, str, tuple[Good, ...]]] = [
        (shop, "merchant", f"{trade.name} · {trade.english}", trade.goods)
        for trade in market.trades
        for shop in trade.shops
    ]
    talents: list[tuple[str, str, str, tuple[Good, ...]]] = [
        ("", "talent", f"{skill.name} · {skill.english}", (skill.service,))
        for skill in market.skills
        for _ in range(TALENTS_A_SKILL)
    ]
    persons = people(
        names, regions, count=len(shops) + len(talents), first_phone=first_phone, rng=rng
    )
    return [
        Supplier(
            name=name or f"{introduction.split(' · ')[0]}达人{person.name}",
            kind=kind,
            introduction=introduction,
            region=person.region,
            goods=tuple(_more(good, times) for good in _some(goods, rng)),
            person=person,
        )
        for (name, kind, introduction, goods), person in zip(shops + talents, persons, strict=True)
    ]


def _some(goods: Sequence[Good], rng: random.Random) -> Sequence[Good]:
    return rng.sample(goods, rng.randint(1, min(GOODS_A_SHOP_MAX, len(goods))))


def _more(good: Good, times: int) -> Good:
    return replace(good, pieces=good.pieces * times)
