"""What the book answers, case by case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.ledger.model import EarnRule, NotUnderstood, UnknownHold, Unsound
from tests.ledger.bookkeeper import (
    BOOK,
    DAY,
    SPRING,
    YEAR,
    Bookkeeper,
    capture,
    earn,
    hold,
    release,
)


@pytest.fixture
def keeper():
    keeper = Bookkeeper()
    yield keeper
    keeper.check()


def test_half_hours_that_were_only_begun_earn_nothing(keeper):
    assert keeper.post(earn("a", minutes=29)).about["earned"] == 0
    assert keeper.post(earn("b", minutes=30)).about["earned"] == 50
    assert keeper.post(earn("c", minutes=89)).about["earned"] == 100

    assert keeper.balance("ada") == 150


def test_an_earning_moves_from_the_mint_into_the_lot_of_the_next_years_end(keeper):
    posting = keeper.post(earn(minutes=60))

    mint, ada = posting.lines
    assert mint == {
        "account": f"{BOOK}:mint:main",
        "bucket": "available",
        "unit": "point",
        "lot": None,
        "amount": -100,
        "balance": -100,
    }
    assert ada["lot"] == "2027-12"
    assert posting.accounts == [f"{BOOK}:mint:main", f"{BOOK}:volunteer:ada"]


def test_the_lot_goes_by_the_districts_new_year_not_utcs(keeper):
    new_year_in_china = 1_798_732_800_000  # 31 December 2026, 16:00 UTC
    keeper.now = new_year_in_china - 1
    keeper.post(earn("a"))
    keeper.now = new_year_in_china
    keeper.post(earn("b"))

    assert keeper.lots("ada") == {"2027-12": 100, "2028-12": 100}


def test_the_rule_of_the_day_of_service_decides_the_worth():
    keeper = Bookkeeper(
        EarnRule(starts_on="2026-01-01"), EarnRule(starts_on="2026-03-13", step_hundredths=75)
    )

    assert keeper.post(earn("a", served_at=SPRING)).about["earned"] == 150
    assert keeper.post(earn("b", served_at=SPRING - DAY)).about["earned"] == 100
    with pytest.raises(NotUnderstood):
        keeper.decide(earn("c", served_at=SPRING - YEAR))


def test_honorary_minutes_are_a_posting_without_lines_that_is_told(keeper):
    posting = keeper.post(earn(minutes=600, credit="honorary"))

    assert posting.about == {"record": "record-1", "version": 1, "volunteer": "ada", "earned": 0}
    assert not posting.lines
    assert posting.told


def test_a_correction_posts_the_difference(keeper):
    keeper.post(earn(version=1, minutes=60))
    keeper.post(earn(version=2, minutes=120))
    last = keeper.post(earn(version=3, minutes=90))

    assert keeper.balance("ada") == 150
    assert last.about["earned"] == 150
    assert [line["amount"] for line in last.lines] == [-50, 50]


def test_a_late_version_finds_its_place_taken(keeper):
    keeper.post(earn(version=1, minutes=60))
    keeper.post(earn(version=4, minutes=120))

    two, three = (keeper.post(earn(version=version, minutes=999)) for version in (2, 3))

    assert [p.refused for p in (two, three)] == ["superseded", "superseded"]
    assert [p.about["earned"] for p in (two, three)] == [100, 100]
    assert not two.told
    assert keeper.balance("ada") == 200
    assert len(keeper.journal) == 5


def test_a_correction_down_takes_its_own_lot_then_the_oldest_then_becomes_debt(keeper):
    keeper.post(earn("old", minutes=60))
    keeper.now += YEAR
    keeper.post(earn("own", minutes=120))
    keeper.now += YEAR
    keeper.post(earn("new", minutes=30))
    keeper.post(hold(amount=100))  # takes the oldest lot

    keeper.post(earn("own", 2, minutes=0))
    assert keeper.lots("ada") == {"2029-12": 50}

    keeper.post(earn("old", 2, minutes=0))
    assert keeper.lots("ada") == {}
    assert keeper.lots("ada", "debt") == {"2027-12": -50}
    assert keeper.balance("ada", "held") == 100, "what is held is the order's"


def test_what_comes_in_repays_debt_first(keeper):
    keeper.post(earn("a", minutes=60))
    keeper.post(hold("spent", amount=100))
    keeper.post(capture("spent"))
    keeper.post(earn("a", 2, minutes=0))
    assert keeper.balance("ada", "debt") == -100

    posting = keeper.post(earn("b", minutes=90))

    assert keeper.balance("ada", "debt") == 0
    assert keeper.balance("ada") == 50
    assert [line["bucket"] for line in posting.lines] == ["available", "debt", "available"]


def test_a_release_repays_debt_too(keeper):
    keeper.post(earn("a", minutes=60))
    keeper.post(hold(amount=100))
    keeper.post(earn("a", 2, minutes=30))
    assert keeper.balance("ada", "debt") == -50

    keeper.post(release())

    assert keeper.balance("ada", "debt") == 0
    assert keeper.balance("ada") == 50


def test_a_hold_spends_the_oldest_lot_and_a_release_gives_the_same_lots_back(keeper):
    keeper.post(earn("a", minutes=30))
    keeper.now += YEAR
    keeper.post(earn("b", minutes=60))
    before = keeper.lots("ada")

    keeper.post(hold(amount=100))
    assert keeper.lots("ada", "held") == {"2027-12": 50, "2028-12": 50}

    keeper.post(release())
    assert keeper.lots("ada") == before


def test_a_capture_pays_the_merchant(keeper):
    keeper.post(earn(minutes=60))
    keeper.post(hold(amount=100))

    end = keeper.post(capture(amount=100))

    assert end.about == {"order": "order-1", "captured": 100, "released": 0}
    assert keeper.balance("shop", kind="merchant") == 100
    assert keeper.balance("ada", "held") == 0


def test_what_a_capture_leaves_goes_back_in_the_same_posting(keeper):
    keeper.post(earn(minutes=60))
    keeper.post(hold(amount=100))

    end = keeper.post(capture(amount=60))

    assert end.about == {"order": "order-1", "captured": 60, "released": 40}
    assert keeper.balance("ada") == 40


def test_points_that_are_not_there_cannot_be_held(keeper):
    keeper.post(earn(minutes=60))
    keeper.post(hold("first", amount=60))

    refusal = keeper.post(hold("second", amount=60))

    assert refusal.refused == "insufficient-points"
    assert refusal.id == "no:hold:second:second:1"
    assert refusal.told
    assert not refusal.lines


def test_a_refusal_never_takes_the_place_of_the_fact(keeper):
    refused = keeper.post(hold(amount=100, id="first"))
    keeper.post(earn(minutes=60))

    assert keeper.post(hold(amount=100, id="first")) == refused
    assert keeper.post(hold(amount=100, id="second")).refused is None


def test_a_frozen_person_receives_but_does_not_spend(keeper):
    keeper.post(earn("a", minutes=60))
    keeper.statuses["ada"] = "frozen"

    assert keeper.post(hold(amount=100)).refused == "account-frozen"
    keeper.post(earn("b", minutes=60))
    assert keeper.balance("ada") == 200


def test_what_a_closed_person_would_receive_is_unclaimed(keeper):
    keeper.post(earn("a", minutes=60))
    keeper.post(hold("held", amount=50))
    keeper.statuses["ada"] = "closed"

    assert keeper.post(hold("late", amount=50)).refused == "account-closed"
    keeper.post(earn("b", minutes=60))
    keeper.post(release("held"))
    assert keeper.balance("main", kind="unclaimed") == 150
    assert keeper.balance("ada") == 50


def test_a_correction_takes_back_what_its_record_gave_to_unclaimed_first(keeper):
    keeper.post(earn("a", minutes=60))
    keeper.statuses["ada"] = "closed"
    keeper.post(earn("b", minutes=60))

    keeper.post(earn("b", 2, minutes=30))

    assert keeper.balance("main", kind="unclaimed") == 50
    assert keeper.balance("ada") == 100


def test_the_loser_of_an_end_is_answered_with_the_winner(keeper):
    keeper.post(earn(minutes=60))
    keeper.post(hold())
    won = keeper.post(release())

    decision = keeper.decide(capture())

    assert decision.answer == won
    assert not decision.posted


def test_a_release_before_its_hold_ends_it_before_it_begins(keeper):
    keeper.post(earn(minutes=60))
    end = keeper.post(release())

    assert end.about == {"order": "order-1", "captured": 0, "released": 0}
    assert end.told
    assert keeper.post(hold()).refused == "already-ended"
    assert keeper.post(capture()) == end


def test_a_capture_of_no_hold_posts_nothing_and_is_looked_at_again(keeper):
    with pytest.raises(UnknownHold):
        keeper.decide(capture())

    keeper.post(earn(minutes=60))
    keeper.post(hold())
    assert keeper.post(capture()).about["captured"] == 100


def test_one_fact_told_in_two_ways_is_refused_and_told_to_nobody(keeper):
    first = keeper.post(earn(minutes=60))

    refusal = keeper.post(earn(minutes=90, id="stranger"))

    assert refusal.refused == "posted-otherwise"
    assert refusal.about == {"fact": first.id, "stands": f"{BOOK}:{first.n}"}
    assert not refusal.told
    assert keeper.post(earn(minutes=90, id="stranger")) == refusal
    assert keeper.post(earn(minutes=60)) == first


def test_two_captures_that_differ_are_one_fact_told_in_two_ways(keeper):
    keeper.post(earn(minutes=60))
    keeper.post(hold())
    keeper.post(capture(amount=100))

    assert keeper.post(capture(amount=60, id="other")).refused == "posted-otherwise"


@pytest.mark.parametrize(
    "flaw",
    [
        {"version": 0},
        {"version": 51},
        {"minutes": -1},
        {"minutes": 10**9},
        {"credit": "gold"},
        {"record": "a:b"},
        {"volunteer": ""},
        {"volunteer": "a\x00"},
        {"served_at": -1},
        {"id": "x" * 301},
    ],
)
def test_an_earning_that_cannot_be_meant_posts_nothing(keeper, flaw):
    with pytest.raises(NotUnderstood):
        keeper.decide(replace(earn(), **flaw))
    assert len(keeper.journal) == 1


@pytest.mark.parametrize(
    "flaw", [{"amount": 0}, {"amount": -5}, {"amount": 10**9 + 1}, {"volunteer": "a:b"}]
)
def test_a_hold_that_cannot_be_meant_is_refused_for_good(keeper, flaw):
    refusal = keeper.post(replace(hold(), **flaw))

    assert refusal.refused == "not-understood"
    assert keeper.post(replace(hold(), **flaw)) == refusal


def test_a_hold_of_an_order_that_cannot_be_named_posts_nothing(keeper):
    with pytest.raises(NotUnderstood):
        keeper.decide(hold("a:b"))


@pytest.mark.parametrize(
    "end", [capture(volunteer="bo"), release(volunteer="bo"), capture(amount=101)]
)
def test_an_end_that_contradicts_its_hold_posts_nothing(keeper, end):
    keeper.post(earn(minutes=120))
    keeper.post(hold(amount=100))

    with pytest.raises(NotUnderstood):
        keeper.decide(end)


def test_a_record_never_changes_its_person(keeper):
    keeper.post(earn(version=1))

    with pytest.raises(NotUnderstood):
        keeper.decide(earn(version=2, volunteer="bo"))


def test_time_in_a_book_never_runs_backwards(keeper):
    first = keeper.post(earn("a"))
    keeper.now -= YEAR

    assert keeper.post(earn("b")).at == first.at


def test_lines_that_do_not_fit_the_account_are_unsound(keeper):
    posting = keeper.post(earn())
    account = keeper.book.account(f"{BOOK}:volunteer:ada")

    with pytest.raises(Unsound):
        account.after(n=posting.n + 1, lines=posting.lines)


@pytest.mark.parametrize(("bucket", "amount"), [("available", -101), ("held", -1), ("debt", 1)])
def test_a_bucket_on_the_wrong_side_of_zero_is_unsound(keeper, bucket, amount):
    posting = keeper.post(earn(minutes=60))
    account = keeper.book.account(f"{BOOK}:volunteer:ada")
    balance = account.total(bucket) + amount
    line = {**posting.lines[1], "bucket": bucket, "amount": amount, "balance": balance}

    with pytest.raises(Unsound):
        account.after(n=posting.n + 1, lines=[line])


def test_a_correction_up_after_its_lot_has_ended_goes_to_a_new_one(keeper):
    keeper.post(earn(minutes=60))
    keeper.now += 2 * YEAR
    keeper.post(earn(version=2, minutes=120))

    assert keeper.lots("ada") == {"2027-12": 100, "2029-12": 100}


def test_a_correction_up_goes_to_the_lot_of_its_record(keeper):
    keeper.post(earn(minutes=60))
    keeper.now += YEAR
    keeper.post(earn(version=2, minutes=120))

    assert keeper.lots("ada") == {"2027-12": 200}


def test_a_correction_down_takes_from_the_lot_of_its_record_before_older_ones(keeper):
    keeper.post(earn("old", minutes=60))
    keeper.now += YEAR
    keeper.post(earn("own", minutes=60))

    keeper.post(earn("own", 2, minutes=30))

    assert keeper.lots("ada") == {"2027-12": 100, "2028-12": 50}
