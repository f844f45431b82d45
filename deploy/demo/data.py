"""The day's data: the district's regions, what its communities publish, what its market sells."""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

DISTRICT = "430211"
ZONE = ZoneInfo("Asia/Shanghai")

HERE = Path(__file__).parent / "data"
REGIONS = Path(__file__).parents[1] / "data" / "regions.csv"


@dataclass(frozen=True, kw_only=True)
class Region:
    """A street or a community of the district."""

    code: str
    name: str
    level: str


@dataclass(frozen=True, kw_only=True)
class PlannedShift:
    """A time slot of the day, by the district's own clock."""

    begins: time
    ends: time
    places: int

    def on(self, day: date) -> tuple[datetime, datetime]:
        """Return when the slot begins and ends on this day."""
        return (
            datetime.combine(day, self.begins, ZONE),
            datetime.combine(day, self.ends, ZONE),
        )


@dataclass(frozen=True, kw_only=True)
class PlannedActivity:
    """What a community publishes."""

    kind: str
    english: str
    region: str
    title: str
    summary: str
    shifts: tuple[PlannedShift, ...]


@dataclass(frozen=True, kw_only=True)
class Good:
    """Something on a shelf; ``price`` in hundredths of a point."""

    title: str
    kind: str
    price: int
    pieces: int
    fresh: bool = False
    limit_a_month: int | None = None


@dataclass(frozen=True, kw_only=True)
class Trade:
    """A trade of the market: its shops, and the goods that they choose from."""

    name: str
    english: str
    shops: tuple[str, ...]
    goods: tuple[Good, ...]


@dataclass(frozen=True, kw_only=True)
class Skill:
    """What a talent can do for others."""

    name: str
    english: str
    service: Good


@dataclass(frozen=True, kw_only=True)
class Market:
    """All that the 贡享超市 can offer."""

    trades: tuple[Trade, ...]
    skills: tuple[Skill, ...]


@dataclass(frozen=True, kw_only=True)
class Names:
    """Signs that names are drawn from."""

    surnames: str
    given: str


def regions(level: str, path: Path = REGIONS) -> tuple[Region, ...]:
    """Return the district's regions of one level: ``street`` or ``community``."""
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(
            Region(code=row["code"], name=row["name"], level=level)
            for row in csv.DictReader(file)
            if row["level"] == level and row["code"].startswith(DISTRICT)
        )


def activities() -> tuple[PlannedActivity, ...]:
    """Return what the district's communities publish for the day."""
    with (HERE / "activities.csv").open(newline="", encoding="utf-8") as file:
        return tuple(
            PlannedActivity(
                kind=row["kind"],
                english=row["english"],
                region=row["region"],
                title=row["title"],
                summary=row["summary"],
                shifts=tuple(_shift(text) for text in row["shifts"].split(";")),
            )
            for row in csv.DictReader(file)
        )


def market() -> Market:
    """Return the trades with their shops and goods, and the skills of the talents."""
    raw = _toml("market.toml")
    return Market(
        trades=tuple(
            Trade(
                name=trade["name"],
                english=trade["english"],
                shops=tuple(trade["shops"]),
                goods=tuple(_good(good) for good in trade["goods"]),
            )
            for trade in raw["trade"]
        ),
        skills=tuple(
            Skill(
                name=skill["name"],
                english=skill["english"],
                service=_good({"kind": "service", **skill["service"]}),
            )
            for skill in raw["skill"]
        ),
    )


def names() -> Names:
    """Return the signs that names are drawn from."""
    return Names(**_toml("names.toml"))


def _toml(name: str) -> dict[str, Any]:
    with (HERE / name).open("rb") as file:
        return tomllib.load(file)


def _good(raw: dict[str, Any]) -> Good:
    return Good(
        title=raw["title"],
        kind=raw["kind"],
        price=raw["price"],
        pieces=raw["pieces"],
        fresh=raw.get("fresh", False),
        limit_a_month=raw.get("a_month"),
    )


def _shift(text: str) -> PlannedShift:
    """Read ``08:30-10:30*14``: from, until, places."""
    hours, _, places = text.strip().partition("*")
    begins, _, ends = hours.partition("-")
    return PlannedShift(
        begins=time.fromisoformat(begins), ends=time.fromisoformat(ends), places=int(places)
    )
