"""HTTP in: translate, call one operation, translate out. One file per noun."""

from services.store.routes.items import items
from services.store.routes.merchants import merchants
from services.store.routes.orders import orders
from services.store.routes.rules import rules

BLUEPRINTS = (merchants, items, orders, rules)

__all__ = ["BLUEPRINTS"]
