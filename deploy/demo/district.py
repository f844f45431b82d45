"""The district at work: its administrator, and two organisers for every street and town."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.demo import data, people
from deploy.demo.client import Token
from deploy.demo.plan.people import people as drawn_people
from deploy.demo.scene import Member, Scene

FIRST_ORGANISER_PHONE = 19_907_330_001
ORGANISERS_A_STREET = 2
"""The second confirms what the first served in, for nobody confirms their own."""


@dataclass(frozen=True, kw_only=True)
class District:
    """Who runs the district."""

    admin: Token
    organisers: dict[str, tuple[Member, ...]]
    """By the code of their street."""

    def organiser(self, region: str, *, but_not: str = "") -> Token:
        """Return an organiser whose street holds this region, other than this person."""
        able = self.organisers[region[:9]]
        return next(member.token for member in able if member.volunteer_id != but_not)


def prepare(scene: Scene, *, admin_phone: str) -> District:
    """Sign the first administrator in, and let organisers join and be appointed."""
    admin = people.sign_in(scene, admin_phone)
    streets = data.regions("street")
    persons = drawn_people(
        data.names(),
        streets,
        count=len(streets) * ORGANISERS_A_STREET,
        first_phone=FIRST_ORGANISER_PHONE,
        rng=scene.rng,
    )
    joined = people.join(scene, "组织者注册 · Organisers join", persons)
    appointed = [
        (streets[place // ORGANISERS_A_STREET].code, member) for place, member in enumerate(joined)
    ]
    organisers = scene.crew.each(
        "组织者任命 · Organisers are appointed",
        appointed,
        lambda pair: people.grant(scene, admin, pair[1], role="organiser", region=pair[0]),
    )
    by_street: dict[str, tuple[Member, ...]] = {}
    for (street, _), member in zip(appointed, organisers, strict=True):
        by_street[street] = (*by_street.get(street, ()), member)
    return District(admin=admin, organisers=by_street)
