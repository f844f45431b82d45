"""A district's day from morning to the next day's market, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from deploy.demo import confirming, data, district, people, publish, signing_up
from deploy.demo.attendance import Lobby
from deploy.demo.confirming import Confirmed
from deploy.demo.data import ZONE
from deploy.demo.district import District
from deploy.demo.market import Shopping
from deploy.demo.merchants import Market, open_market
from deploy.demo.plan import errands, sign_ups
from deploy.demo.plan.people import Person, scale
from deploy.demo.plan.people import people as drawn_people
from deploy.demo.plan.sign_ups import Fate
from deploy.demo.plan.timetable import parts
from deploy.demo.publish import Published
from deploy.demo.scene import Member, Scene
from deploy.demo.signing_up import Attending

FIRST_VOLUNTEER_PHONE = 19_900_000_001
SIGN_UPS_TAKE = timedelta(hours=6)
"""Shifts that start sooner would close before everybody had a turn."""
MARKET_OPENS = time(10)


@dataclass(frozen=True, kw_only=True)
class Played:
    """What the day leaves for those who report it."""

    published: Published
    market: Market
    months: tuple[str, ...]
    """The months in which points can have been captured."""
    sign_ups_possible: int
    """How many sign-ups the published places could carry."""


def play(scene: Scene, *, volunteers: int, file: Path | None, admin_phone: str) -> Played:
    """Play the whole day; raise where the rules were broken or a part could not be played."""
    runs = district.prepare(scene, admin_phone=admin_phone)
    market = open_market(scene, runs, times=scale(volunteers))
    members = people.join(scene, "志愿者注册 · Volunteers join", _draw(scene, volunteers))
    if file is None:
        published = publish.by_organisers(scene, runs, times=scale(volunteers))
    else:
        published = publish.by_import(scene, runs, file)
    slots = sign_ups.service_days(
        published.slots, seats=2 * volunteers, not_before=scene.clock.now() + SIGN_UPS_TAKE
    )
    wishes = sign_ups.wishes(slots, [member.person.region for member in members], rng=scene.rng)
    leading = signing_up.organisers_too(scene, runs, slots)
    standing = signing_up.sign_up(scene, members, slots, wishes)
    signing_up.too_late(scene, members, standing)
    confirmed = _serve(scene, runs, standing, leading)
    opened_at = _go_to_market(scene, members, market, runs, confirmed)
    return Played(
        published=published,
        market=market,
        months=tuple({opened_at.strftime("%Y-%m"), _today(scene).strftime("%Y-%m")}),
        sign_ups_possible=len(wishes),
    )


def _draw(scene: Scene, volunteers: int) -> Sequence[Person]:
    return drawn_people(
        data.names(),
        data.regions("community"),
        count=volunteers,
        first_phone=FIRST_VOLUNTEER_PHONE,
        rng=scene.rng,
    )


def _serve(
    scene: Scene, runs: District, standing: Sequence[Attending], leading: Sequence[Attending]
) -> list[Confirmed]:
    """Let those who come serve, part by part of the day or days, and bank what they did."""
    coming = [who for who in standing if who.wish.fate is Fate.SERVES]
    lobby = Lobby(scene, runs)
    confirmed: list[Confirmed] = []
    for part in parts([*coming, *leading]):
        began = part.moments[0].at.astimezone(ZONE)
        with scene.crew.step(f"签到签退 {began:%m-%d %H:%M} · They come and go") as step:
            lobby.pass_through(part.moments, step)
        confirming.refuse_own(scene, [who for who in part.served if who in leading])
        confirmed += confirming.confirm_all(scene, runs, part.served)
    corrected = confirming.correct_some(scene, runs, confirmed)
    return [corrected.get(record.record_id, record) for record in confirmed]


def _go_to_market(
    scene: Scene,
    members: Sequence[Member],
    market: Market,
    runs: District,
    confirmed: Sequence[Confirmed],
) -> datetime:
    """On the next morning people redeem; return when the market opened."""
    morning = datetime.combine(_today(scene).date() + timedelta(days=1), MARKET_OPENS, ZONE)
    scene.clock.advance_to(morning)
    shopping = Shopping(scene, market, members)
    points = shopping.balances(max(record.posted_n for record in confirmed))
    cheapest = min(item.price for item in market.shelf)
    cast = errands.cast(points, cheapest=cheapest)
    playing = {cast.poor, cast.spender, cast.keen, *cast.rivals}
    others = {place: points[place] for place in points if place not in playing}
    wanted = round(len(members) * errands.ORDERS_A_VOLUNTEER)
    shopping.run_errands(errands.errands(others, market.shelf, wanted=wanted, rng=scene.rng))
    shopping.play(cast)
    _into_debt(scene, runs, members[cast.spender], confirmed)
    return morning


def _into_debt(
    scene: Scene, runs: District, spender: Member, confirmed: Sequence[Confirmed]
) -> None:
    """Correct down what someone has spent already: the book keeps it as a debt."""
    own = [record for record in confirmed if record.attending.member is spender]
    if own:
        confirming.correct(scene, runs, own[0], minutes=0)


def _today(scene: Scene) -> datetime:
    return scene.clock.now().astimezone(ZONE)
