"""One run: the days, the crashes on them, and what is true at the end."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.audit import audit
from deploy.embedded.servers import KafkaServer, MongoServer
from tests.conftest import empty
from tests.faults.crash_points import day
from tests.faults.crash_points.commands import Operator
from tests.faults.crash_points.effects import Effect
from tests.faults.crash_points.house import CrashingHouse
from tests.faults.crash_points.plan import WHEN, Plan, Point
from tests.faults.crash_points.tapping import tapped
from tests.journeys.house import SERVICES
from tests.journeys.town import DISTRICT, Town

ADMIN_PHONE = "13700000001"
WORKERS_KINDS = ("send", "mark", "offsets", "write")
MAY_NOT_COME_AGAIN = frozenset({"schema", "topic", "member", "kill"})
"""Kinds of effects that a house has at its start, or a worker at its own, and not every day."""

Kind = tuple[str, str, str, str]


@dataclass
class Run:
    """A town in a house whose parts crash where its plan says."""

    house: CrashingHouse
    kafka: KafkaServer
    plan: Plan
    operator: Operator
    towns: list[Town] = field(default_factory=list)
    days: int = 0

    @property
    def town(self) -> Town:
        """Return the town, once it is set up."""
        return self.towns[0]

    def begin(self) -> None:
        """Set up and open the house."""
        self.plan.begin_day()
        self.operator.make_topics()
        # Once more without them: a worker that comes first makes them too.
        empty(self.kafka)
        self.operator.settle(DISTRICT, ADMIN_PHONE)
        self.house.open()
        town = Town(self.house.urls, self.house.clock_file, admin_phone=ADMIN_PHONE)
        self.towns.append(town)

    def live_a_day(self) -> None:
        """Live a day from its first registration to its last repair."""
        self.plan.begin_day()
        day.lived(self.town, self.days)
        self.operator.repair(f"day-{self.days}")
        self.operator.make_topics()
        self.operator.settle(DISTRICT, ADMIN_PHONE)
        self.operator.rewind()
        self.days += 1

    def findings(self) -> list[str]:
        """Return what the audit finds once all is quiet; nothing, where all happened once."""
        self.plan.rest()
        self.house.is_well()
        report = audit(
            self.house.mongo.uri,
            self.kafka.bootstrap,
            database_prefix=self.house.prefix,
            strict=False,
            told=[answer for town in self.towns for answer in town.told.answers],
        )
        return [str(invariant) for invariant in report.invariants if not invariant.holds]


@contextmanager
def running(
    mongo: MongoServer, kafka: KafkaServer, data_dir: Path, plan: Plan | None = None
) -> Iterator[Run]:
    """Let a run live on these servers, on a broker without topics; its house is closed at the end.

    A ``plan`` that other houses have met a part of is gone on with.
    """
    plan = plan or Plan()
    empty(kafka)
    with tapped(plan):
        house = CrashingHouse(mongo, kafka, data_dir)
        try:
            yield Run(house, kafka, plan, Operator(house))
        finally:
            plan.rest()
            house.close()


def every_point(effects: Iterable[Effect]) -> list[Point]:
    """Return before and after of every effect, whenever it comes."""
    return [Point(effect, when) for effect in sorted(effects) for when in WHEN]


def every_number(plan: Plan, most: int) -> list[Point]:
    """Return before and after of every time that an effect came on one day, at most so many."""
    return [
        Point(effect, when, number)
        for effect, times in sorted(plan.listed.items())
        for number in range(1, min(times, most) + 1)
        for when in WHEN
    ]


def kind_of(point: Point) -> Kind:
    """Return service, part and kind of a point's effect, and whether it is before or after it."""
    effect = point.effect
    return effect.service, effect.part, effect.kind, point.when


def one_of_each_kind(effects: Iterable[Effect], dice: random.Random) -> dict[Kind, Point]:
    """Return a point of each kind, by lot."""
    points = every_point(effects)
    dice.shuffle(points)
    return {kind_of(point): point for point in points}


def missing_kinds(effects: Iterable[Effect]) -> list[str]:
    """Return what a list of effects should have and has not; nothing, where the taps work."""
    wanted = {(service, "worker", kind) for service in SERVICES for kind in WORKERS_KINDS}
    wanted |= {(service, "web", "schema") for service in SERVICES}
    wanted |= {(service, "web", "commit") for service in SERVICES if service != "ledger"}
    wanted |= {(service, "worker", "commit") for service in SERVICES if service != "ledger"}
    wanted |= {("ledger", "worker", "journal"), ("deploy", "bootstrap", "journal")}
    wanted |= {("deploy", "topics", "topic"), ("deploy", "rewind", "mark")}
    wanted |= {("deploy", "deadletters", "write")}
    found = {(effect.service, effect.part, effect.kind) for effect in effects}
    return sorted(" ".join(one) for one in wanted - found)
