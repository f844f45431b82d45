"""The load's own words are the product's."""

from __future__ import annotations

import importlib

from shared.errors import Refusal
from tests.faults.load import FORESEEN
from tests.journeys.house import SERVICES


def codes(refusal: type[Refusal]) -> set[str]:
    return {refusal.code}.union(*map(codes, refusal.__subclasses__()))


def test_every_refusal_that_the_load_foresees_is_one_of_ours() -> None:
    for service in SERVICES:
        importlib.import_module(f"services.{service}.app")

    assert codes(Refusal) >= FORESEEN
