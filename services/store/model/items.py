"""Items: what is on the shelf, how many, at what price, and who may have how many.

Pieces are received once and then are free, reserved (ordered, not handed over) or gone; so
``free + reserved + gone = received`` always. The item's document is the one that every
transaction about its stock writes.

The limit of a person, an item and a month is a rule over many orders. It names one document that
every transaction under it writes: ``limits`` with the id ``<person>:<item>:<month>``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from services.store.model.merchants import Merchant, MerchantNotApproved, MerchantStatus
from services.store.model.rules import Rules
from shared.errors import Invalid, Refusal

AMOUNT_MAX = 1_000_000_000
"""Hundredths of a point in one order: the most that the ledger takes in one command."""

PIECES_MAX = 1_000_000


class OutOfStock(Refusal):
    """Fewer pieces are free than were asked for."""

    title = "库存不足 · Out of stock"


class MonthlyLimit(Refusal):
    """The person has ordered as many of this item this month as the limit allows."""

    title = "已达本月限额 · The monthly limit is reached"


class OffShelf(Refusal):
    """The item is not on the shelf."""

    title = "商品已下架 · The item is off the shelf"


class NotYetOnSale(Refusal):
    """The item's first moment on sale is still to come."""

    title = "尚未开售 · Not yet on sale"


class NoLongerOnSale(Refusal):
    """The item's last moment on sale is over."""

    title = "已停止销售 · No longer on sale"


class OwnMerchantsItem(Refusal):
    """Staff do not redeem at their own merchant: they could turn points into its credit alone."""

    status = 403
    title = "不能兑换自己商家的商品 · Staff cannot redeem at their own merchant"


class VolunteerFrozen(Refusal):
    """A frozen person may receive, not spend."""

    status = 403
    title = "账户已冻结 · The account is frozen"


class VolunteerClosed(Refusal):
    """A closed person orders nothing."""

    status = 403
    title = "账户已注销 · The account is closed"


class ChangedMeanwhile(Refusal):
    """The item was edited after it was read; nothing of the other's edit is overwritten."""

    status = 412
    title = "内容已被修改 · Changed meanwhile"


class TooManyPieces(Refusal):
    """The item would have received more pieces than one item may."""

    title = "库存超出上限 · More pieces than one item may have"


class ItemKind(StrEnum):
    """Goods that are handed over, or a service that is done."""

    GOODS = "goods"
    SERVICE = "service"


class ItemStatus(StrEnum):
    """Whether people see it and may order it."""

    ON_SHELF = "on_shelf"
    OFF_SHELF = "off_shelf"


@dataclass(frozen=True, kw_only=True)
class Item:
    """Something on a merchant's shelf; ``price`` in hundredths of a point a piece."""

    item_id: str
    merchant_id: str
    district: str
    region: str
    title: str
    description: str
    kind: ItemKind
    fresh: bool
    price: int
    free: int
    reserved: int
    gone: int
    received: int
    voucher_days: int | None
    limit_a_month: int | None
    on_sale_from: datetime | None
    on_sale_until: datetime | None
    status: ItemStatus
    revision: int
    created_at: datetime


def check_on_sale(item: Item, merchant: Merchant, *, now: datetime) -> None:
    """refuse merchants not approved, items off the shelf, too early, too late."""
    if merchant.status is not MerchantStatus.APPROVED:
        raise MerchantNotApproved()
    if item.status is not ItemStatus.ON_SHELF:
        raise OffShelf()
    if item.on_sale_from is not None and now < item.on_sale_from:
        raise NotYetOnSale()
    if item.on_sale_until is not None and now >= item.on_sale_until:
        raise NoLongerOnSale()


def check_buyer(merchant: Merchant, *, person_id: str, status: str | None) -> None:
    """Refuse who may not order here: the merchant's own staff, and the frozen and the closed.

    ``status`` is what the copy says; of someone not heard of yet (None) the token has spoken.
    """
    if status == "frozen":
        raise VolunteerFrozen()
    if status == "closed":
        raise VolunteerClosed()
    if person_id in merchant.staff:
        raise OwnMerchantsItem()


def limit_of(item: Item, rules: Rules) -> int:
    """Return the pieces of this item that a person may order in a month: its own, or the rule's."""
    return rules.limit_a_month if item.limit_a_month is None else item.limit_a_month


def check_limit(item: Item, rules: Rules, *, ordered: int, pieces: int) -> None:
    """Refuse pieces that lead above the month's limit; ``ordered`` is what the counter holds."""
    limit = limit_of(item, rules)
    if ordered + pieces > limit:
        raise MonthlyLimit(limit=limit, ordered=ordered)


def voucher_days_of(item: Item, rules: Rules) -> int:
    """Return the days that a voucher of this item is good for: its own, or the rule's."""
    if item.voucher_days is not None:
        return item.voucher_days
    return rules.voucher_days_fresh if item.fresh else rules.voucher_days


def amount_of(item: Item, *, pieces: int) -> int:
    """Return the hundredths of a point for so many pieces; refuse what no command carries."""
    amount = item.price * pieces
    if amount > AMOUNT_MAX:
        raise Invalid("数量过大 · Too many pieces", errors={"pieces": ["too many"]})
    return amount


def edit(item: Item, **changes: Any) -> Item:
    """Return the item with these fields changed, one revision on; refuse an empty time on sale."""
    edited = replace(item, **changes, revision=item.revision + 1)
    check_sale_times(edited.on_sale_from, edited.on_sale_until)
    return edited


def check_sale_times(on_sale_from: datetime | None, on_sale_until: datetime | None) -> None:
    """Refuse a time on sale that ends before it begins."""
    if on_sale_from is None or on_sale_until is None or on_sale_from < on_sale_until:
        return
    raise Invalid(
        "停售时间须晚于开售时间 · The sale ends after it begins",
        errors={"on_sale_until": ["must be later than on_sale_from"]},
    )
