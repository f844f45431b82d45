"""Someone with points and a shop to spend them in, set up before the fault."""

from __future__ import annotations

from shared import clock
from tests.journeys.town import Town


class Customer:
    """A person who has served, and an item that costs next to nothing."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.person = town.volunteer("顾客")
        town.earned(self.person)
        self.item = town.item(town.shop(), price=1)

    def orders(self) -> str:
        """Place an order; return its id without waiting for what becomes of it."""
        body = {"item_id": self.item, "pieces": 1}
        placed = self.town.services.store.post("/orders", body, by=self.person)
        return str(placed["order_id"])

    def served_within(self, seconds: float, order: str | None = None) -> float:
        """Return after how long an order, or this one, was confirmed; fail after the limit."""
        began = clock.monotonic()
        order = order or str(self.town.order(self.person, self.item)["order_id"])
        self.town.order_in(self.person, order, "CONFIRMED", seconds=seconds)
        took = clock.monotonic() - began
        assert took <= seconds, f"{took:.1f} s until an order was confirmed"
        return took
