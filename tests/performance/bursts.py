"""Row 11: 2,000 people for 50 places within a minute; 300 for 100 pieces within a second."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient

from deploy.embedded.system import System
from shared import clock, ids
from tests.journeys.town import Town
from tests.performance import burst, strangers
from tests.performance.burst import Wish
from tests.performance.mall import Cores

PRICE = 100
MINUTES = 60
"""Two half hours: one point and more than a piece costs."""


@dataclass(frozen=True, kw_only=True)
class Burst:
    """What became of a burst."""

    name: str
    people: int
    capacity: int
    seconds: float
    won: int
    refused: int
    unanswered: int
    otherwise: int
    refused_while_free: int
    told_two_things: int
    busy: int
    given_back: int
    left: int
    """What the service itself counts as free afterwards."""
    p50_s: float
    p99_s: float
    rate: float
    """Answers per second, repeats among them, as long as there was something to win.

    What is won costs more than a refusal: at the rate of both together, winners would queue.
    """
    shares: Mapping[str, float]
    """Whose work the cores did meanwhile."""

    @property
    def fair(self) -> bool:
        """Tell whether as many won as there were, and everybody was answered, rightly and alike."""
        return (
            # What is given back may be left: refusals do not wait, and nobody may ask after it.
            self.won + self.left == self.capacity + self.given_back
            and 0 <= self.left <= self.given_back
            and self.won + self.refused == self.people
            and not self.refused_while_free
            and not self.told_two_things
        )


def places(
    system: System, town: Town, *, people: int, capacity: int, seconds: float, seed: int
) -> Burst:
    """Let so many people sign up for one shift within that time; some of the first give back."""
    shift = town.shift(in_hours=48, places=capacity)
    dice = random.Random(seed)
    wishes = _wishes(system, f"/shifts/{shift}/sign-ups", {}, people, seconds, dice)
    gives_back = threading.Semaphore(max(1, capacity // 10))
    activities = burst.Clients(system.urls["activities"])
    given_back: dict[str, float] = {}
    half_time = clock.monotonic() + seconds / 2

    def give_back(wish: Wish) -> None:
        early = clock.monotonic() < half_time
        if wish.won and early and gives_back.acquire(blocking=False):
            path = f"/sign-ups/{wish.answer.body['sign_up_id']}/withdrawals"
            said = activities.post(Wish(path=path, token=wish.token, due=0))
            assert said.status == 201, said
            given_back[wish.key] = said.ended

    cores = Cores(system)
    burst.play(system.urls["activities"], wishes, then=give_back)
    shares = cores.shares()
    row = _row(system, "activities", "shifts", shift)
    left = int(row["places"]) - int(row["taken"])
    return _result(
        "places", wishes, capacity=capacity, given_back=given_back, left=left, shares=shares
    )


def pieces(
    system: System, town: Town, *, people: int, capacity: int, seconds: float, seed: int
) -> Burst:
    """Let so many people, who have the points, order one item of which there are too few."""
    shop = town.shop()
    item = town.item(shop, price=PRICE, pieces=capacity, limit=1)
    dice = random.Random(seed)
    body = {"item_id": item, "pieces": 1}
    wishes = _wishes(system, "/orders", body, people, seconds, dice, region=town.community)
    cores = Cores(system)
    burst.play(system.urls["store"], wishes)
    shares = cores.shares()
    left = int(_row(system, "store", "items", item)["free"])
    return _result("pieces", wishes, capacity=capacity, given_back={}, left=left, shares=shares)


def _wishes(
    system: System,
    path: str,
    body: dict[str, Any],
    people: int,
    seconds: float,
    dice: random.Random,
    *,
    region: str | None = None,
) -> list[Wish]:
    crowd = [ids.new_id() for _ in range(people)]
    if region is not None:
        strangers.served(system, crowd, region=region, minutes=MINUTES)
    tokens = strangers.tokens(system.environment("volunteers"), crowd)
    return [
        Wish(
            path=path,
            body=body,
            token=tokens[person],
            due=dice.uniform(0, seconds),
            repeats=number % 2 == 0,
        )
        for number, person in enumerate(crowd)
    ]


def _result(
    name: str,
    wishes: Sequence[Wish],
    *,
    capacity: int,
    given_back: dict[str, float],
    left: int,
    shares: Mapping[str, float],
) -> Burst:
    took = [wish.took_s for wish in wishes]
    answered = [wish for wish in wishes if wish.answer.status not in (0, 503)]
    refused = [wish for wish in answered if wish.answer.status == 409]
    won = [wish for wish in answered if wish.won]
    began = min(wish.due for wish in wishes)
    return Burst(
        name=name,
        people=len(wishes),
        capacity=capacity,
        seconds=max(wish.answer.ended for wish in wishes) - began,
        won=len(won),
        refused=len(refused),
        unanswered=len(wishes) - len(answered),
        otherwise=len(answered) - len(refused) - len(won),
        refused_while_free=len(
            burst.refused_while_free(wishes, capacity=capacity, given_back=given_back)
        ),
        told_two_things=len(burst.told_two_things(wishes)),
        busy=sum(wish.busy for wish in wishes),
        given_back=len(given_back),
        left=left,
        p50_s=burst.percentile(took, 0.5),
        p99_s=burst.percentile(took, 0.99),
        rate=_rate(answered, since=began),
        shares=shares,
    )


def _rate(answered: Sequence[Wish], *, since: float) -> float:
    last_win = max((wish.answer.ended for wish in answered if wish.won), default=since)
    said = [one for wish in answered for one in wish.said if one.ended <= last_win]
    return len(said) / (last_win - since) if said else 0.0


def _row(system: System, service: str, collection: str, row_id: str) -> dict[str, Any]:
    with MongoClient[dict[str, Any]](system.mongo_uri) as client:
        row = client[f"gongxiang_{service}"][collection].find_one({"_id": row_id})
    assert row is not None, row_id
    return row
