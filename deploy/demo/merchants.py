"""Merchants and talents join, are approved, and put their goods and services on the shelf."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deploy.demo import data, people
from deploy.demo.client import Token
from deploy.demo.district import District
from deploy.demo.plan.errands import ShelfItem
from deploy.demo.plan.people import Supplier, suppliers
from deploy.demo.scene import Scene

FIRST_PHONE = 19_907_340_001


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """An approved merchant or talent, and the token of the person who acts for it."""

    merchant_id: str
    supplier: Supplier
    staff: Token


@dataclass(frozen=True, kw_only=True)
class Market:
    """The shelves of the district."""

    merchants: list[Merchant]
    shelf: list[ShelfItem]

    def merchant_of(self, item: ShelfItem) -> Merchant:
        """Return who sells the item."""
        return self.merchants[item.supplier]

    def another(self, item: ShelfItem) -> Merchant:
        """Return somebody else."""
        return self.merchants[(item.supplier + 1) % len(self.merchants)]


def open_market(scene: Scene, district: District, *, times: int) -> Market:
    """Let all merchants and talents join, apply, be approved and fill their shelves."""
    drawn = suppliers(
        data.market(),
        data.names(),
        data.regions("community"),
        first_phone=FIRST_PHONE,
        times=times,
        rng=scene.rng,
    )
    merchants = scene.crew.each(
        "商家与达人入驻 · Merchants and talents join",
        drawn,
        lambda supplier: _join(scene, district, supplier),
    )
    planned = [(place, good) for place, one in enumerate(drawn) for good in one.goods]
    shelf = scene.crew.each(
        "上架 · Goods and services are put on the shelf",
        planned,
        lambda pair: put_on_shelf(scene, merchants[pair[0]], pair[0], pair[1]),
    )
    return Market(merchants=merchants, shelf=shelf)


def put_on_shelf(scene: Scene, merchant: Merchant, place: int, good: data.Good) -> ShelfItem:
    """Put one thing on a merchant's shelf."""
    body = {
        "title": good.title,
        "kind": good.kind,
        "fresh": good.fresh,
        "price": good.price,
        "pieces": good.pieces,
    }
    made = scene.services.store.post(
        f"/merchants/{merchant.merchant_id}/items", body, by=merchant.staff
    )
    return ShelfItem(
        item_id=made["item_id"],
        supplier=place,
        title=good.title,
        price=good.price,
        pieces=good.pieces,
        fresh=good.fresh,
    )


def settlement_lines(
    scene: Scene, market: Market, *, months: Sequence[str]
) -> list[tuple[str, list[int]]]:
    """Let every merchant read its lines of these months; return the names with the amounts."""

    def read(merchant: Merchant) -> tuple[str, list[int]]:
        path = f"/merchants/{merchant.merchant_id}/settlement-lines"
        lines = [
            line["amount"]
            for month in months
            for line in scene.services.store.pages(path, by=merchant.staff, params={"month": month})
        ]
        return merchant.supplier.name, lines

    return scene.crew.each("结算 · Merchants read their settlement", market.merchants, read)


def _join(scene: Scene, district: District, supplier: Supplier) -> Merchant:
    member = people.grant(
        scene,
        district.admin,
        people.register(scene, supplier.person),
        role="merchant",
        region=supplier.region,
    )
    applied = scene.services.store.post(
        "/merchants",
        {
            "name": supplier.name,
            "kind": supplier.kind,
            "region": supplier.region,
            "introduction": supplier.introduction,
        },
        by=member.token,
    )
    scene.services.store.post(f"/merchants/{applied['merchant_id']}/approvals", by=district.admin)
    scene.tally.count("talents" if supplier.kind == "talent" else "merchants")
    return Merchant(merchant_id=applied["merchant_id"], supplier=supplier, staff=member.token)
