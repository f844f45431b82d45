"""The collections ``items`` (with their stock) and ``limits`` (the person-item-month counters)."""

from __future__ import annotations

from services.store.model import Item, ItemKind, ItemStatus
from services.store.repository.merchants import regions_around
from shared.mongo import Document, ServiceDatabase, UnitOfWork


def add_item(work: UnitOfWork, item: Item) -> None:
    """Keep a new item with the stock that it comes with."""
    document = _document(item) | {
        "_id": item.item_id,
        "merchant_id": item.merchant_id,
        "district": item.district,
        "region": item.region,
        "within": regions_around(item.region),
        "kind": item.kind.value,
        "free": item.free,
        "reserved": item.reserved,
        "gone": item.gone,
        "received": item.received,
        "created_at": item.created_at,
    }
    work.db.items.insert_one(document, session=work.session)


def save_item(work: UnitOfWork, before: Item, after: Item) -> bool:
    """Save what its staff may edit, never the stock; False at another revision."""
    saved = work.db.items.update_one(
        {"_id": before.item_id, "revision": before.revision},
        {"$set": _document(after)},
        session=work.session,
    )
    return saved.matched_count == 1


def item_in(work: UnitOfWork, item_id: str) -> Item | None:
    """Return an item as the transaction sees it."""
    return _read(work.db.items.find_one({"_id": item_id}, session=work.session))


def item(database: ServiceDatabase, item_id: str) -> Item | None:
    """Return an item as it is now."""
    return _read(database.db.items.find_one({"_id": item_id}))


def items_of_merchant(
    database: ServiceDatabase, merchant_id: str, *, before: str | None, limit: int
) -> list[Item]:
    """Return all items of a merchant, on the shelf and off it, newest first."""
    return _page(database, {"merchant_id": merchant_id}, before, limit)


def items_on_shelf(
    database: ServiceDatabase, *, region: str | None, before: str | None, limit: int
) -> list[Item]:
    """Return what is on the shelf, newest first; in one region or everywhere."""
    which: Document = {"status": ItemStatus.ON_SHELF.value}
    if region is not None:
        which["within"] = region
    return _page(database, which, before, limit)


def reserve_stock(work: UnitOfWork, *, item_id: str, pieces: int) -> bool:
    """Take free pieces for an order; False where fewer are left."""
    taken = work.db.items.update_one(
        {"_id": item_id, "free": {"$gte": pieces}},
        {"$inc": {"free": -pieces, "reserved": pieces}},
        session=work.session,
    )
    return taken.modified_count == 1


def return_stock(work: UnitOfWork, *, item_id: str, pieces: int) -> bool:
    """Put reserved pieces back on the shelf; False where fewer are reserved."""
    returned = work.db.items.update_one(
        {"_id": item_id, "reserved": {"$gte": pieces}},
        {"$inc": {"free": pieces, "reserved": -pieces}},
        session=work.session,
    )
    return returned.modified_count == 1


def hand_over_stock(work: UnitOfWork, *, item_id: str, pieces: int) -> bool:
    """Let reserved pieces be gone; False where fewer are reserved."""
    handed_over = work.db.items.update_one(
        {"_id": item_id, "reserved": {"$gte": pieces}},
        {"$inc": {"gone": pieces, "reserved": -pieces}},
        session=work.session,
    )
    return handed_over.modified_count == 1


def receive_stock(work: UnitOfWork, *, item_id: str, pieces: int, most: int) -> bool:
    """Add pieces that arrived; False where the item would have received more than ``most``."""
    received = work.db.items.update_one(
        {"_id": item_id, "received": {"$lte": most - pieces}},
        {"$inc": {"free": pieces, "received": pieces}},
        session=work.session,
    )
    return received.modified_count == 1


def ordered_pieces(work: UnitOfWork, *, person_id: str, item_id: str, month: str) -> int | None:
    """Return what the counter of a person, item and month holds; None where there is none yet."""
    counter = f"{person_id}:{item_id}:{month}"
    row = work.db.limits.find_one({"_id": counter}, session=work.session)
    return None if row is None else int(row["pieces"])


def begin_counter(
    work: UnitOfWork, *, person_id: str, item_id: str, month: str, pieces: int
) -> None:
    """Make the counter of a person, item and month; two at once meet on its id."""
    counter = f"{person_id}:{item_id}:{month}"
    work.db.limits.insert_one({"_id": counter, "pieces": pieces}, session=work.session)


def raise_counter(
    work: UnitOfWork, *, person_id: str, item_id: str, month: str, seen: int, pieces: int
) -> bool:
    """Raise the counter by these pieces where it still holds what was seen."""
    counter = f"{person_id}:{item_id}:{month}"
    raised = work.db.limits.update_one(
        {"_id": counter, "pieces": seen}, {"$inc": {"pieces": pieces}}, session=work.session
    )
    return raised.modified_count == 1


def lower_counter(
    work: UnitOfWork, *, person_id: str, item_id: str, month: str, pieces: int
) -> bool:
    """Lower the counter by the pieces of an order that came to nothing."""
    counter = f"{person_id}:{item_id}:{month}"
    lowered = work.db.limits.update_one(
        {"_id": counter, "pieces": {"$gte": pieces}},
        {"$inc": {"pieces": -pieces}},
        session=work.session,
    )
    return lowered.modified_count == 1


def _page(database: ServiceDatabase, which: Document, before: str | None, limit: int) -> list[Item]:
    if before is not None:
        which = {**which, "_id": {"$gt": "", "$lt": before}}
    found = database.db.items.find(which).sort("_id", -1).limit(limit)
    return [_item(document) for document in found]


def _read(document: Document | None) -> Item | None:
    return None if document is None else _item(document)


def _item(document: Document) -> Item:
    return Item(
        item_id=document["_id"],
        merchant_id=document["merchant_id"],
        district=document["district"],
        region=document["region"],
        title=document["title"],
        description=document["description"],
        kind=ItemKind(document["kind"]),
        fresh=document["fresh"],
        price=document["price"],
        free=document["free"],
        reserved=document["reserved"],
        gone=document["gone"],
        received=document["received"],
        voucher_days=document["voucher_days"],
        limit_a_month=document["limit_a_month"],
        on_sale_from=document["on_sale_from"],
        on_sale_until=document["on_sale_until"],
        status=ItemStatus(document["status"]),
        revision=document["revision"],
        created_at=document["created_at"],
    )


def _document(item: Item) -> Document:
    """Return what may be edited; the rest is written once, or by the stock's own updates."""
    return {
        "title": item.title,
        "description": item.description,
        "fresh": item.fresh,
        "price": item.price,
        "voucher_days": item.voucher_days,
        "limit_a_month": item.limit_a_month,
        "on_sale_from": item.on_sale_from,
        "on_sale_until": item.on_sale_until,
        "status": item.status.value,
        "revision": item.revision,
    }
