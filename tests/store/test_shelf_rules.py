"""Who may sell, who may order what, when and how much; and who acts for a merchant."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.store import model
from shared.errors import Invalid

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
RULES = model.Rules()

MERCHANT = model.Merchant(
    merchant_id="rice",
    district="430211",
    region="430211001",
    name="粮油店",
    kind=model.MerchantKind.MERCHANT,
    introduction="",
    status=model.MerchantStatus.APPROVED,
    staff=("wang",),
    applied_at=NOW,
)
ITEM = model.Item(
    item_id="rice-5",
    merchant_id="rice",
    district="430211",
    region="430211001",
    title="大米 5 kg",
    description="",
    kind=model.ItemKind.GOODS,
    fresh=False,
    price=150,
    free=10,
    reserved=0,
    gone=0,
    received=10,
    voucher_days=None,
    limit_a_month=None,
    on_sale_from=None,
    on_sale_until=None,
    status=model.ItemStatus.ON_SHELF,
    revision=1,
    created_at=NOW,
)


def of_status(status: model.MerchantStatus) -> model.Merchant:
    return replace(MERCHANT, status=status)


@pytest.mark.parametrize(
    ("item", "merchant", "refusal"),
    [
        (ITEM, of_status(model.MerchantStatus.APPLIED), model.MerchantNotApproved),
        (ITEM, of_status(model.MerchantStatus.SUSPENDED), model.MerchantNotApproved),
        (replace(ITEM, status=model.ItemStatus.OFF_SHELF), MERCHANT, model.OffShelf),
        (replace(ITEM, on_sale_from=LATER), MERCHANT, model.NotYetOnSale),
        (replace(ITEM, on_sale_until=NOW), MERCHANT, model.NoLongerOnSale),
    ],
)
def test_what_cannot_be_ordered_now_is_refused(item, merchant, refusal):
    with pytest.raises(refusal):
        model.check_on_sale(item, merchant, now=NOW)


def test_an_item_is_on_sale_from_its_first_moment_until_just_before_its_last():
    item = replace(ITEM, on_sale_from=NOW, on_sale_until=LATER)

    model.check_on_sale(item, MERCHANT, now=NOW)
    model.check_on_sale(item, MERCHANT, now=LATER - timedelta(milliseconds=1))


@pytest.mark.parametrize(
    ("person", "status", "refusal"),
    [
        ("ada", "frozen", model.VolunteerFrozen),
        ("ada", "closed", model.VolunteerClosed),
        ("wang", "active", model.OwnMerchantsItem),
        ("wang", None, model.OwnMerchantsItem),
    ],
)
def test_who_may_not_order_here_is_refused(person, status, refusal):
    with pytest.raises(refusal):
        model.check_buyer(MERCHANT, person_id=person, status=status)


@pytest.mark.parametrize("status", ["active", None])
def test_an_active_person_and_one_not_heard_of_may_order(status):
    model.check_buyer(MERCHANT, person_id="ada", status=status)


@pytest.mark.parametrize(("own", "limit"), [(None, 2), (1, 1), (5, 5)])
def test_an_items_own_limit_decides_and_the_districts_where_it_has_none(own, limit):
    item = replace(ITEM, limit_a_month=own)

    model.check_limit(item, RULES, ordered=0, pieces=limit)
    with pytest.raises(model.MonthlyLimit) as refused:
        model.check_limit(item, RULES, ordered=1, pieces=limit)
    assert refused.value.facts == {"limit": limit, "ordered": 1}


@pytest.mark.parametrize(
    ("fresh", "own", "days"), [(False, None, 30), (True, None, 7), (True, 3, 3), (False, 60, 60)]
)
def test_a_voucher_is_good_for_its_items_own_days_or_the_districts(fresh, own, days):
    assert model.voucher_days_of(replace(ITEM, fresh=fresh, voucher_days=own), RULES) == days


def test_an_order_never_asks_for_more_than_a_ledger_command_carries():
    dear = replace(ITEM, price=model.AMOUNT_MAX)

    assert model.amount_of(dear, pieces=1) == model.AMOUNT_MAX
    with pytest.raises(Invalid):
        model.amount_of(dear, pieces=2)


def test_an_edit_raises_the_revision_and_a_sale_that_ends_before_it_begins_is_refused():
    edited = model.edit(ITEM, price=200, on_sale_from=NOW)

    assert (edited.price, edited.revision, edited.free) == (200, 2, 10)
    with pytest.raises(Invalid):
        model.edit(edited, on_sale_until=NOW)


def test_a_merchant_is_approved_suspended_and_approved_again():
    applied = of_status(model.MerchantStatus.APPLIED)

    approved = model.approve(applied, by="admin", now=NOW)
    suspended = model.suspend(approved, by="admin", reason="卫生检查", now=LATER)
    again = model.approve(suspended, by="admin", now=LATER)

    assert [one.status.value for one in (approved, suspended, again)] == [
        "approved",
        "suspended",
        "approved",
    ]
    assert (suspended.suspension_reason, again.suspension_reason) == ("卫生检查", None)
    assert [one.revision for one in (approved, suspended, again)] == [2, 3, 4]


def test_what_stands_already_is_answered_without_a_change():
    suspended = of_status(model.MerchantStatus.SUSPENDED)

    assert model.approve(MERCHANT, by="admin", now=NOW) is MERCHANT
    assert model.suspend(suspended, by="admin", reason="-", now=NOW) is suspended


def test_nobody_approves_an_own_merchant_and_nobody_suspends_what_was_never_approved():
    applied = of_status(model.MerchantStatus.APPLIED)

    with pytest.raises(model.OwnMerchant):
        model.approve(applied, by="wang", now=NOW)
    with pytest.raises(model.MerchantNotApproved):
        model.suspend(applied, by="admin", reason="-", now=NOW)


def test_staff_come_and_go_but_one_stays():
    two = model.add_staff(MERCHANT, person_id="li")
    assert two.staff == ("wang", "li")
    assert model.add_staff(two, person_id="li") is two

    one = model.remove_staff(two, person_id="wang")
    assert one.staff == ("li",)
    with pytest.raises(model.LastStaffPerson):
        model.remove_staff(one, person_id="li")
    with pytest.raises(model.NotStaff):
        model.remove_staff(two, person_id="stranger")


def test_a_merchant_has_at_most_fifty_staff():
    full = replace(MERCHANT, staff=tuple(f"person-{n}" for n in range(model.STAFF_MAX)))

    with pytest.raises(model.TooManyStaff):
        model.add_staff(full, person_id="one more")


def test_a_full_counter_stops_all_codes_until_the_hour_is_over():
    most = model.counters_of(merchant_id="rice", person_id="wang", real_now=NOW)
    person, merchant = most

    model.check_guesses({person: 19, merchant: 59}, most, real_now=NOW)
    for full in ({person: 20}, {merchant: 60}):
        with pytest.raises(model.TooManyGuesses) as refused:
            model.check_guesses(full, most, real_now=NOW)
        assert refused.value.facts == {"retry_after": 3600}
    assert (
        set(most)
        & set(
            model.counters_of(
                merchant_id="rice", person_id="wang", real_now=NOW + timedelta(hours=1)
            )
        )
        == set()
    )


def test_a_settlement_line_is_of_the_month_in_which_the_points_were_captured():
    from tests.store.test_order_table import order

    captured_at = datetime(2026, 11, 30, 16, 30, tzinfo=UTC)  # December by then in Zhuzhou

    line = model.line_of(order(), n=57, captured_at=captured_at)

    assert (line.order_id, line.month, line.amount, line.n) == ("order", "2026-12", 300, 57)
