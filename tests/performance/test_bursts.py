"""Many want what few can have: as many win as there are, and everyone is told the truth."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest

from deploy.audit import audit
from deploy.embedded.system import System
from tests.faults.system import ADMIN_PHONE, started
from tests.journeys.town import Town
from tests.performance import bursts
from tests.performance.burst import Said, Wish, refused_while_free, told_two_things
from tests.performance.bursts import Burst
from tests.performance.rows.bursting import carried


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The whole system as real processes."""
    system = started(tmp_path_factory.mktemp("system"))
    yield system
    system.stop()


@pytest.mark.servers
@pytest.mark.timeout(600)
def test_as_many_win_as_there_are_and_everyone_is_answered(system: System) -> None:
    seed = int(os.environ.get("GONGXIANG_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}: GONGXIANG_SEED={seed} replays it")
    town = Town(system.urls, system.clock_offset_file, admin_phone=ADMIN_PHONE)

    for_places = bursts.places(system, town, people=200, capacity=50, seconds=3, seed=seed)
    print(for_places)
    for_pieces = bursts.pieces(system, town, people=150, capacity=50, seconds=1, seed=seed)
    print(for_pieces)

    assert for_places.fair, for_places
    assert for_pieces.fair, for_pieces
    report = audit(
        system.mongo_uri,
        system.kafka_bootstrap,
        database_prefix="gongxiang_",
        wait_s=120,
        strict=False,
        told=town.told.answers,
    )
    assert report.holds, [invariant for invariant in report.invariants if not invariant.holds]


def test_what_is_carried_is_asked_of_as_many_for_each_place_and_of_no_fewer_than_a_few() -> None:
    figures: dict[str, Any] = dict.fromkeys((one.name for one in fields(Burst)), 0)
    figures |= {"name": "places", "people": 2000, "capacity": 50, "rate": 60.0}
    burst = Burst(**figures)

    assert carried(burst, seconds=45) == {
        "people": 945,
        "capacity": 23,
        "seconds": 45,
        "seed": 2,
    }
    assert carried(replace(burst, rate=1.0), seconds=2)["people"] == 20


@pytest.mark.parametrize(
    ("won", "left", "given_back", "fair"),
    [(10, 0, 0, True), (11, 0, 1, True), (10, 1, 1, True), (9, 1, 0, False), (11, 0, 0, False)],
    ids=["all gone", "won again", "given back last", "one left over", "one too many"],
)
def test_a_burst_is_fair_where_as_many_won_as_there_were(
    *, won: int, left: int, given_back: int, fair: bool
) -> None:
    figures: dict[str, Any] = dict.fromkeys((one.name for one in fields(Burst)), 0)
    figures |= {"people": 60, "capacity": 10, "refused": 60 - won}
    figures |= {"won": won, "left": left, "given_back": given_back}

    assert Burst(**figures).fair is fair


def wish(*said: tuple[float, float, int]) -> Wish:
    told = [Said(began=began, ended=ended, status=status, body={}) for began, ended, status in said]
    return Wish(path="", token="", due=0, said=told)


def test_a_refusal_while_one_was_free_all_the_time_is_found() -> None:
    first, second = wish((0, 2, 201)), wish((5, 6, 201))
    early = wish((3, 4, 409))

    assert refused_while_free([first, second, early], capacity=2) == [early]


def test_a_refusal_beside_the_winner_of_the_last_place_may_be_right() -> None:
    first, second = wish((0, 2, 201)), wish((3.5, 6, 201))
    beside = wish((3, 4, 409))

    assert refused_while_free([first, second, beside], capacity=2) == []


def test_a_refusal_after_a_place_was_given_back_is_found() -> None:
    first, late = wish((0, 1, 201)), wish((3, 4, 409))

    assert refused_while_free([first, late], capacity=1) == []
    assert refused_while_free([first, late], capacity=1, given_back={first.key: 2.5}) == [late]


def test_two_answers_to_one_wish_are_found() -> None:
    alike, otherwise = wish((0, 1, 201), (0, 2, 201)), wish((0, 1, 409), (0, 2, 201))

    assert told_two_things([alike, otherwise]) == [otherwise]
