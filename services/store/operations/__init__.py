"""What the store can do: load, ask the model, save and tell. One file per noun.

Every function that changes something takes the unit of work; reads take the database. Who asks is
checked here, in the filter of the first look-up: someone else's thing is not there.
"""

from services.store.operations.answers import (
    capture_order,
    confirm_order,
    refuse_order,
    release_order,
)
from services.store.operations.items import (
    add_item,
    edit_item,
    item,
    own_item,
    receive_stock,
    shelf,
    shelf_of_merchant,
    show_items,
)
from services.store.operations.merchants import (
    add_staff,
    apply_as_merchant,
    approve_merchant,
    merchant,
    merchants,
    own_merchants,
    remove_staff,
    suspend_merchant,
)
from services.store.operations.moves import stock_lock, stock_of_order
from services.store.operations.orders import (
    cancel_order,
    order,
    orders,
    place_order,
    refuse_where_sold_out,
)
from services.store.operations.people import note_status
from services.store.operations.settlement import settlement
from services.store.operations.sweeps import ask_open_questions, cancel_expired_vouchers
from services.store.operations.vouchers import stock_of_code, use_voucher, voucher

__all__ = [
    "add_item",
    "add_staff",
    "apply_as_merchant",
    "approve_merchant",
    "ask_open_questions",
    "cancel_expired_vouchers",
    "cancel_order",
    "capture_order",
    "confirm_order",
    "edit_item",
    "item",
    "merchant",
    "merchants",
    "note_status",
    "order",
    "orders",
    "own_item",
    "own_merchants",
    "place_order",
    "receive_stock",
    "refuse_order",
    "refuse_where_sold_out",
    "release_order",
    "remove_staff",
    "settlement",
    "shelf",
    "shelf_of_merchant",
    "show_items",
    "stock_lock",
    "stock_of_code",
    "stock_of_order",
    "suspend_merchant",
    "use_voucher",
    "voucher",
]
