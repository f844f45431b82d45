"""The plan of the demo's day: pure, so that a day can be judged before it is played."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from deploy.demo import data, report
from deploy.demo.plan import errands, sign_ups
from deploy.demo.plan.errands import NobodyToPlay, ShelfItem
from deploy.demo.plan.minimums import REQUIRED_REFUSALS, minimums, shortfalls
from deploy.demo.plan.people import VOLUNTEERS_MIN, people, scale, suppliers
from deploy.demo.plan.sign_ups import Fate, Slot, Wish
from deploy.demo.plan.timetable import parts
from deploy.demo.tally import Tally

DAY = date(2026, 11, 23)
SIZES = (VOLUNTEERS_MIN, 13, 40, 120, 300, 750)


def slots_of_the_day(volunteers: int) -> list[Slot]:
    return [
        Slot(
            shift_id=f"shift-{activity}-{number}",
            activity_id=f"activity-{activity}",
            region=planned.region,
            starts_at=shift.on(DAY)[0],
            ends_at=shift.on(DAY)[1],
            places=shift.places * scale(volunteers),
        )
        for activity, planned in enumerate(data.activities())
        for number, shift in enumerate(planned.shifts)
    ]


def homes(volunteers: int) -> list[str]:
    rng = random.Random(7)
    drawn = people(
        data.names(), data.regions("community"), count=volunteers, first_phone=1, rng=rng
    )
    return [person.region for person in drawn]


def wishes_of(volunteers: int) -> list[Wish]:
    return sign_ups.wishes(slots_of_the_day(volunteers), homes(volunteers), rng=random.Random(11))


def shelf_of(volunteers: int) -> list[ShelfItem]:
    drawn = suppliers(
        data.market(),
        data.names(),
        data.regions("community"),
        first_phone=1,
        times=scale(volunteers),
        rng=random.Random(3),
    )
    return [
        ShelfItem(
            item_id=f"item-{place}-{number}",
            supplier=place,
            title=good.title,
            price=good.price,
            pieces=good.pieces,
            fresh=good.fresh,
        )
        for place, supplier in enumerate(drawn)
        for number, good in enumerate(supplier.goods)
    ]


def points_of(volunteers: int) -> dict[int, int]:
    """What everyone has where all who serve come in time and stay to the end."""
    points = dict.fromkeys(range(volunteers), 0)
    for wish in wishes_of(volunteers):
        if wish.fate is Fate.SERVES:
            begins = max(wish.arrives_at, wish.slot.starts_at)
            served = min(wish.leaves_at, wish.slot.ends_at) - begins
            points[wish.volunteer] += served // timedelta(minutes=30) * 50
    return points


# The data files


def test_every_region_of_the_data_is_a_community_of_the_district():
    known = {region.code for region in data.regions("community")}

    assert {activity.region for activity in data.activities()} <= known
    assert {code[:9] for code in known} == {street.code for street in data.regions("street")}


def test_the_day_has_enough_activities_of_enough_kinds_in_every_street():
    activities = data.activities()

    assert len(activities) >= 60
    assert len({activity.kind for activity in activities}) >= 9
    assert {activity.region[:9] for activity in activities} == {
        street.code for street in data.regions("street")
    }
    assert len({activity.title for activity in activities}) == len(activities)


def test_every_activity_opens_with_the_name_of_its_community():
    names = {region.code: region.name for region in data.regions("community")}

    for activity in data.activities():
        assert activity.title[:2] == names[activity.region][:2], activity.title


def test_every_planned_shift_ends_after_it_begins_and_has_places():
    for activity in data.activities():
        for shift in activity.shifts:
            starts_at, ends_at = shift.on(DAY)
            assert timedelta(hours=1) <= ends_at - starts_at <= timedelta(hours=3)
            assert shift.places > 0


def test_the_market_has_136_merchants_and_52_talents_with_names_of_their_own():
    drawn = suppliers(
        data.market(),
        data.names(),
        data.regions("community"),
        first_phone=1,
        times=1,
        rng=random.Random(3),
    )

    assert Counter(supplier.kind for supplier in drawn) == {"merchant": 136, "talent": 52}
    assert len({supplier.person.phone for supplier in drawn}) == 188
    shops = [supplier.name for supplier in drawn if supplier.kind == "merchant"]
    assert len(set(shops)) == 136
    for supplier in drawn:
        assert supplier.goods
        for good in supplier.goods:
            assert good.kind in ("goods", "service")
            assert good.price > 0
            assert good.price % 10 == 0
            assert good.pieces > 1


# The plan


def test_the_same_seed_gives_the_same_plan():
    assert wishes_of(120) == wishes_of(120)
    assert homes(120) == homes(120)


@pytest.mark.parametrize("volunteers", SIZES)
def test_sign_ups_and_services_reach_their_minimums(volunteers: int):
    planned = wishes_of(volunteers)
    least = minimums(volunteers)

    assert len(planned) >= least["sign_ups"]
    serving = [wish for wish in planned if wish.fate is Fate.SERVES]
    assert len(serving) >= least["services_confirmed"]
    assert {wish.fate for wish in planned} == set(Fate)


def test_a_large_day_stays_within_the_design_minimums():
    assert minimums(300) == {
        "sign_ups": 300,
        "services_confirmed": 200,
        "orders": 100,
        "vouchers_used": 60,
    }


@pytest.mark.parametrize("volunteers", SIZES)
def test_nobody_is_planned_twice_at_once_and_no_shift_over_booked(volunteers: int):
    mine: dict[int, list[Slot]] = defaultdict(list)
    taken: Counter[str] = Counter()
    for wish in wishes_of(volunteers):
        assert not any(wish.slot.overlaps(other) for other in mine[wish.volunteer])
        mine[wish.volunteer].append(wish.slot)
        taken[wish.slot.shift_id] += 1

    for slot in slots_of_the_day(volunteers):
        assert taken[slot.shift_id] <= slot.places
    for chosen in mine.values():
        hours = sum((slot.ends_at - slot.starts_at for slot in chosen), timedelta())
        assert hours <= timedelta(hours=8)


def test_some_sign_ups_must_overlap_and_some_places_run_out():
    slots, planned = slots_of_the_day(300), wishes_of(300)

    for volunteer, slot in sign_ups.overlaps(slots, planned):
        own = [wish.slot for wish in planned if wish.volunteer == volunteer]
        assert any(slot.overlaps(other) for other in own)
    rush = sign_ups.rush(slots, planned, volunteers=300)
    wanted = rush[0].slot
    left = wanted.places - sum(wish.slot == wanted for wish in planned)
    assert len(rush) > left
    assert len({wish.volunteer for wish in rush}) == len(rush)


def test_everyone_comes_before_they_go_and_serves_at_least_the_minimum_share():
    for wish in wishes_of(300):
        slot = wish.slot
        served = min(wish.leaves_at, slot.ends_at) - max(wish.arrives_at, slot.starts_at)
        assert served * 100 >= (slot.ends_at - slot.starts_at) * 60
        assert abs(wish.arrives_at - slot.starts_at) < timedelta(minutes=30)
        assert wish.leaves_at - slot.ends_at < timedelta(minutes=30)


def test_the_clock_goes_forwards_only_and_everybody_comes_and_goes_once():
    serving = [wish for wish in wishes_of(300) if wish.fate is Fate.SERVES]

    day = parts(serving)

    moments = [moment for part in day for moment in part.moments]
    assert [moment.at for moment in moments] == sorted({moment.at for moment in moments})
    assert Counter(who for moment in moments for who in moment.arriving) == Counter(serving)
    assert Counter(who for part in day for who in part.served) == Counter(serving)
    assert len(day) == 3


def test_service_days_are_few_and_have_seats_enough():
    slots = [
        Slot(
            shift_id=f"{day}-{number}",
            activity_id=f"activity-{number}",
            region="430211001001",
            starts_at=datetime(2026, 11, 23, 1, tzinfo=UTC) + timedelta(days=day),
            ends_at=datetime(2026, 11, 23, 3, tzinfo=UTC) + timedelta(days=day),
            places=5 + day % 7,
        )
        for day in range(28)
        for number in range(20)
    ]

    chosen = sign_ups.service_days(slots, seats=600, not_before=slots[20].starts_at)

    assert 3 <= len({slot.day for slot in chosen}) <= 6
    assert sum(slot.places for slot in chosen) >= 600
    assert chosen == sorted(chosen, key=lambda slot: slot.starts_at)
    assert min(slot.starts_at for slot in chosen) >= slots[20].starts_at


# The market


@pytest.mark.parametrize("volunteers", SIZES)
def test_the_market_reaches_its_minimums_within_purses_shelf_and_month(volunteers: int):
    points, shelf = points_of(volunteers), shelf_of(volunteers)
    cast = errands.cast(points, cheapest=50)
    playing = {cast.poor, cast.spender, cast.keen, *cast.rivals}
    others = {place: points[place] for place in points if place not in playing}

    planned = errands.errands(others, shelf, wanted=round(volunteers / 2), rng=random.Random(5))

    spent: Counter[int] = Counter()
    pieces: Counter[str] = Counter()
    for errand in planned:
        spent[errand.buyer] += errand.item.price
        pieces[errand.item.item_id] += 1
    assert all(spent[buyer] <= points[buyer] for buyer in spent)
    assert all(pieces[item.item_id] <= item.pieces for item in shelf)
    assert max(Counter((e.buyer, e.item.item_id) for e in planned).values()) == 1
    played = errands.KEEN_ORDERS - 1 + 1 + 1
    used = sum(errand.fate is errands.Fate.USED for errand in planned)
    assert len(planned) + played >= minimums(volunteers)["orders"]
    assert used + played - 1 >= minimums(volunteers)["vouchers_used"]
    assert any(errand.shown_twice for errand in planned)
    assert any(errand.shown_elsewhere for errand in planned)
    assert any(errand.fate is errands.Fate.CANCELLED for errand in planned)


@pytest.mark.parametrize("volunteers", SIZES)
def test_every_part_of_the_market_has_its_player(volunteers: int):
    points = points_of(volunteers)

    cast = errands.cast(points, cheapest=50)

    assert points[cast.poor] < 50
    assert points[cast.keen] >= 150
    assert points[cast.spender] >= 50
    assert len(cast.rivals) >= 2
    assert all(points[rival] >= 50 for rival in cast.rivals)
    players = [cast.poor, cast.keen, cast.spender, *cast.rivals]
    assert len(set(players)) == len(players)


def test_a_purse_is_spent_until_the_next_thing_costs_too_much():
    shelf = shelf_of(300)

    *bought, beyond = errands.purse(430, shelf)

    left = 430 - sum(item.price for item in bought)
    assert left >= 0
    assert beyond.price > left
    assert beyond not in bought


def test_a_district_in_which_nobody_earned_has_no_market():
    with pytest.raises(NobodyToPlay):
        errands.cast(dict.fromkeys(range(20), 0), cheapest=50)


# The report


def test_a_day_that_did_not_meet_its_minimums_says_which():
    figures = {"sign_ups": 300, "services_confirmed": 199, "orders": 100, "vouchers_used": 60}
    refused = dict.fromkeys(REQUIRED_REFUSALS, 1) | {"monthly-limit": 0}

    few, never = shortfalls(figures, refused, volunteers=300)

    assert few.startswith("services_confirmed: 199, at least 200")
    assert never.startswith("monthly-limit")


def test_latencies_are_of_what_was_waited_for():
    tally = Tally()
    tally.waited_ms["order_to_voucher"] = [float(ms) for ms in range(1, 101)]

    assert tally.latency("order_to_voucher") == {"p50": 50, "p99": 99}
    assert tally.latency("confirm_to_points") == {"p50": None, "p99": None}


def test_points_earned_are_what_the_mint_gave_out():
    def line(account: str, amount: int) -> dict[str, object]:
        return {"account": f"430211:{account}", "amount": amount}

    earned = {"lines": [line("mint:-", -150), line("volunteer:ada", 150)]}
    corrected = {"lines": [line("mint:-", 50), line("volunteer:ada", -50)]}
    captured = {"lines": [line("volunteer:ada", -80), line("merchant:shop", 80)]}

    assert report.points_minted([earned, corrected, captured]) == 100
