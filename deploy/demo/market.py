"""The market: people redeem what they earned, show vouchers, cancel, and are told no.

Latency: ``order_to_voucher`` is the time from the order's request to the answer that shows it
CONFIRMED, in real time, of the errands that two people run one after the other (about a third of
what the embedded database carries); all others are run by eight at once and not measured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from deploy.demo import merchants
from deploy.demo.client import Body
from deploy.demo.crew import CALM_CLIENTS, CLIENTS
from deploy.demo.data import DISTRICT, Good
from deploy.demo.merchants import Market
from deploy.demo.plan import errands as plan
from deploy.demo.plan.errands import Cast, Errand, Fate, ShelfItem
from deploy.demo.scene import Member, Scene
from deploy.demo.tally import NotAsPlanned
from shared import ids

CALM_ERRANDS_MAX = 100
LAST_PIECE = Good(
    title="花鼓戏年度专场最后一票 · The last ticket of the year", kind="goods", price=50, pieces=1
)


@dataclass(frozen=True, kw_only=True)
class Voucher:
    """A confirmed order and its code."""

    order_id: str
    code: str
    buyer: Member
    item: ShelfItem


class Shopping:
    """What people do at the market with the points that they have."""

    def __init__(self, scene: Scene, market: Market, volunteers: Sequence[Member]) -> None:
        self._scene = scene
        self._market = market
        self._volunteers = volunteers
        self._store = scene.services.store

    def balances(self, banked_n: int) -> dict[int, int]:
        """Return what everyone has at posting ``banked_n`` or later, by place in the list."""

        def read(member: Member) -> int:
            balance = self._scene.services.ledger.get(
                f"/books/{DISTRICT}/balances/me",
                by=member.token,
                params={"at_least": str(banked_n)},
            )
            return int(balance["available"])

        found = self._scene.crew.each("查余额 · Balances are read", self._volunteers, read)
        return dict(enumerate(found))

    def run_errands(self, errands: Sequence[Errand]) -> None:
        """Run the ordinary errands, from the order to what becomes of the voucher."""
        crew = self._scene.crew
        calm = errands[: min(CALM_ERRANDS_MAX, len(errands) // 2)]
        crew.each(
            "兑换（平时）· Errands, calmly",
            calm,
            lambda errand: self._run(errand, measured=True),
            clients=CALM_CLIENTS,
        )
        crew.each(
            "兑换 · Errands",
            errands[len(calm) :],
            lambda errand: self._run(errand, measured=False),
        )

    def play(self, cast: Cast) -> None:
        """Play the parts: too few points, points run out, the month's limit, the last piece."""
        parts = [
            lambda: self._too_poor(cast.poor),
            lambda: self._spend_all(cast.spender),
            lambda: self._keen(cast.keen),
            lambda: self._last_piece(cast.rivals),
        ]
        with self._scene.crew.step("不足、限额、最后一件 · Too few, too often, too late") as step:
            step.expect(len(parts))
            for part in parts:
                step.alone(part)

    def order(self, buyer: Member, item: ShelfItem, *, key: str | None = None) -> Body | None:
        """Return the order once the book has decided; None where the shelf refused it at once."""
        answer = self._scene.tally.ask("orders", lambda: self._place(buyer, item, key))
        if answer is not None and answer["state"] == "REFUSED":
            self._scene.tally.refuse(answer["refused_reason"])
            self._scene.tally.count("orders_refused")
        return answer

    # Ordinary errands

    def _run(self, errand: Errand, *, measured: bool) -> None:
        tally, buyer = self._scene.tally, self._volunteers[errand.buyer]
        key = ids.new_id()

        def place() -> Body | None:
            return self.order(buyer, errand.item, key=key)

        order = tally.timed("order_to_voucher", place) if measured else place()
        if order is None or order["state"] != "CONFIRMED":
            return
        if (
            errand.clicks_twice
            and self._place(buyer, errand.item, key)["order_id"] != order["order_id"]
        ):
            raise NotAsPlanned(f"a double click made a second order beside {order['order_id']}")
        if errand.fate is Fate.USED:
            self._use(errand, self._voucher(buyer, order, errand.item))
        elif errand.fate is Fate.CANCELLED:
            self._store.post(f"/orders/{order['order_id']}/cancellations", by=buyer.token)
            tally.count("orders_cancelled")

    def _voucher(self, buyer: Member, order: Body, item: ShelfItem) -> Voucher:
        shown = self._store.get(f"/orders/{order['order_id']}/voucher", by=buyer.token)
        return Voucher(order_id=order["order_id"], code=shown["code"], buyer=buyer, item=item)

    def _use(self, errand: Errand, voucher: Voucher) -> None:
        tally = self._scene.tally
        if errand.shown_elsewhere:
            tally.must_refuse(
                "another-merchants-voucher", lambda: self._show(voucher, elsewhere=True)
            )
        self._show(voucher)
        tally.count("vouchers_used")
        if errand.shown_twice:
            tally.must_refuse("voucher-used", lambda: self._show(voucher))
            tally.count("vouchers_refused_second_time")

    def _show(self, voucher: Voucher, *, elsewhere: bool = False) -> Body:
        market, item = self._market, voucher.item
        merchant = market.another(item) if elsewhere else market.merchant_of(item)
        return self._store.post(
            f"/merchants/{merchant.merchant_id}/voucher-uses",
            {"code": voucher.code},
            by=merchant.staff,
        )

    def _place(self, buyer: Member, item: ShelfItem, key: str | None) -> Body:
        return self._store.settle(
            "/orders",
            {"item_id": item.item_id, "pieces": 1},
            by=buyer.token,
            key=key or ids.new_id(),
            done=lambda order: order["state"] != "PLACED",
        )

    # The parts

    def _too_poor(self, place: int) -> None:
        cheapest = min(self._market.shelf, key=lambda item: item.price)
        self._expect(self._volunteers[place], cheapest, "insufficient-points")

    def _spend_all(self, place: int) -> None:
        buyer = self._volunteers[place]
        points = self._scene.services.ledger.get(f"/books/{DISTRICT}/balances/me", by=buyer.token)
        *bought, beyond = plan.purse(int(points["available"]), self._market.shelf)
        for item in bought:
            self._buy_and_use(buyer, item)
        self._expect(buyer, beyond, "insufficient-points")

    def _keen(self, place: int) -> None:
        buyer = self._volunteers[place]
        cheap = [item for item in self._market.shelf if item.pieces >= plan.KEEN_ORDERS]
        item = min(cheap, key=lambda item: (item.price, item.title))
        for _ in range(plan.KEEN_ORDERS - 1):
            self._buy_and_use(buyer, item)
        self._expect(buyer, item, "monthly-limit")

    def _last_piece(self, rivals: Sequence[int]) -> None:
        merchant = self._market.merchants[0]
        item = merchants.put_on_shelf(self._scene, merchant, 0, LAST_PIECE)
        buyers = [self._volunteers[place] for place in rivals[:CLIENTS]]
        orders = self._scene.crew.at_once([partial(self.order, buyer, item) for buyer in buyers])
        outcomes = Counter(order["state"] if order else "out-of-stock" for order in orders)
        if outcomes != {"CONFIRMED": 1, "out-of-stock": len(buyers) - 1}:
            raise NotAsPlanned(f"one of {len(buyers)} was to have the last piece: {outcomes}")

    def _buy_and_use(self, buyer: Member, item: ShelfItem) -> None:
        order = self.order(buyer, item)
        if order is None or order["state"] != "CONFIRMED":
            raise NotAsPlanned(f"{item.title} was to be had: {order}")
        self._show(self._voucher(buyer, order, item))
        self._scene.tally.count("vouchers_used")

    def _expect(self, buyer: Member, item: ShelfItem, code: str) -> None:
        before = self._scene.tally.refused[code]
        order = self.order(buyer, item)
        if self._scene.tally.refused[code] != before + 1:
            raise NotAsPlanned(f"{code} was to be the answer: {order}")
