"""What HTTP may say to the store, and hear from it; one file per noun."""

from services.store.schemas.items import (
    AddItem,
    EditItem,
    ItemPage,
    ItemShown,
    ReceiveStock,
    ShelfQuery,
)
from services.store.schemas.merchants import (
    ApplyAsMerchant,
    MerchantPage,
    MerchantQuery,
    MerchantShown,
    SettlementQuery,
    SettlementShown,
    StaffPerson,
    SuspendMerchant,
)
from services.store.schemas.orders import (
    OrderPage,
    OrderShown,
    PlaceOrder,
    UseVoucher,
    VoucherShown,
    VoucherUse,
)
from services.store.schemas.rules import RuleValues

__all__ = [
    "AddItem",
    "ApplyAsMerchant",
    "EditItem",
    "ItemPage",
    "ItemShown",
    "MerchantPage",
    "MerchantQuery",
    "MerchantShown",
    "OrderPage",
    "OrderShown",
    "PlaceOrder",
    "ReceiveStock",
    "RuleValues",
    "SettlementQuery",
    "SettlementShown",
    "ShelfQuery",
    "StaffPerson",
    "SuspendMerchant",
    "UseVoucher",
    "VoucherShown",
    "VoucherUse",
]
