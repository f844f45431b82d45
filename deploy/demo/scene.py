"""What every act of the day has at hand."""

from __future__ import annotations

import random
from dataclasses import dataclass

from deploy.demo.client import Services, Token
from deploy.demo.crew import Crew
from deploy.demo.day_clock import DayClock
from deploy.demo.plan.people import Person
from deploy.demo.tally import Tally


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The services, the people at work, the clock, the counts, and the seed's dice."""

    services: Services
    crew: Crew
    clock: DayClock
    tally: Tally
    rng: random.Random


@dataclass(frozen=True, kw_only=True)
class Member:
    """A registered person, signed in."""

    person: Person
    token: Token

    @property
    def volunteer_id(self) -> str:
        """The id that the services know the person by."""
        return self.token.volunteer_id
