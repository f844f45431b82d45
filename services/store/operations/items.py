"""The shelf: items and their stock, edited by their merchant's staff, seen by everybody."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.store import model, repository
from services.store.operations.merchants import own_merchant
from services.store.operations.shown import Shown, shown_item, shown_item_inside
from shared import ids
from shared.auth import Principal
from shared.errors import NotThere
from shared.mongo import ServiceDatabase, UnitOfWork


def add_item(
    work: UnitOfWork,
    *,
    who: Principal,
    merchant_id: str,
    title: str,
    description: str,
    kind: str,
    fresh: bool,
    price: int,
    pieces: int,
    voucher_days: int | None,
    limit_a_month: int | None,
    on_sale_from: datetime | None,
    on_sale_until: datetime | None,
    now: datetime,
) -> Shown:
    """Put an item with its first stock on the shelf; it sells once its merchant is approved."""
    merchant = own_merchant(work, merchant_id, who)
    model.check_sale_times(on_sale_from, on_sale_until)
    item = model.Item(
        item_id=ids.new_id(),
        merchant_id=merchant.merchant_id,
        district=merchant.district,
        region=merchant.region,
        title=title,
        description=description,
        kind=model.ItemKind(kind),
        fresh=fresh,
        price=price,
        free=pieces,
        reserved=0,
        gone=0,
        received=pieces,
        voucher_days=voucher_days,
        limit_a_month=limit_a_month,
        on_sale_from=on_sale_from,
        on_sale_until=on_sale_until,
        status=model.ItemStatus.ON_SHELF,
        revision=1,
        created_at=now,
    )
    repository.add_item(work, item)
    return shown_item_inside(item, merchant)


def edit_item(
    work: UnitOfWork, *, who: Principal, item_id: str, revision: int, changes: dict[str, Any]
) -> Shown:
    """Change what an item says; orders already placed keep what it said then.

    Refused where it is no longer at the revision that the editor has seen.
    """
    item, merchant = _own_item(work, item_id, who)
    if item.revision != revision:
        raise model.ChangedMeanwhile()
    if "status" in changes:
        changes = {**changes, "status": model.ItemStatus(changes["status"])}
    after = model.edit(item, **changes)
    if not repository.save_item(work, item, after):
        raise model.ChangedMeanwhile()
    return shown_item_inside(after, merchant)


def receive_stock(work: UnitOfWork, *, who: Principal, item_id: str, pieces: int) -> Shown:
    """Add pieces that arrived to an item's stock."""
    _, merchant = _own_item(work, item_id, who)
    if not repository.receive_stock(work, item_id=item_id, pieces=pieces, most=model.PIECES_MAX):
        raise model.TooManyPieces(most=model.PIECES_MAX)
    after = repository.item_in(work, item_id)
    if after is None:
        raise NotThere()
    return shown_item_inside(after, merchant)


def item(database: ServiceDatabase, *, who: Principal | None, item_id: str) -> Shown:
    """Return an item: to its staff always, to others while its approved merchant shows it."""
    found = repository.item(database, item_id)
    if found is None:
        raise NotThere()
    if who is not None:
        own = repository.merchant_of_staff(database, found.merchant_id, who.person_id)
        if own is not None:
            return shown_item_inside(found, own)
    merchant = repository.approved_merchant(database, found.merchant_id)
    if merchant is None or found.status is not model.ItemStatus.ON_SHELF:
        raise NotThere()
    return shown_item(found, merchant)


def own_item(database: ServiceDatabase, *, who: Principal, item_id: str) -> Shown:
    """Return an item to the staff of its merchant; to others it is not there."""
    found = repository.item(database, item_id)
    if found is None:
        raise NotThere()
    return shown_item_inside(found, own_merchant(database, found.merchant_id, who))


def shelf(
    database: ServiceDatabase, *, region: str | None, before: str | None, limit: int
) -> list[model.Item]:
    """Return what is on the shelf of a region or everywhere, newest first, one more."""
    return repository.items_on_shelf(database, region=region, before=before, limit=limit + 1)


def shelf_of_merchant(
    database: ServiceDatabase, *, merchant_id: str, before: str | None, limit: int
) -> list[model.Item]:
    """Return all items of a merchant, newest first, one more than ``limit``."""
    return repository.items_of_merchant(database, merchant_id, before=before, limit=limit + 1)


def show_items(
    database: ServiceDatabase, found: list[model.Item], *, who: Principal | None
) -> list[Shown]:
    """Return those items of a page that this person may see.

    A page is looked at after it was cut, so it may be shorter than asked for and still go on.
    """
    merchants = repository.merchants_by_id(database, (one.merchant_id for one in found))
    shown = []
    for one in found:
        merchant = merchants[one.merchant_id]
        if who is not None and who.person_id in merchant.staff:
            shown.append(shown_item_inside(one, merchant))
        elif (
            merchant.status is model.MerchantStatus.APPROVED
            and one.status is model.ItemStatus.ON_SHELF
        ):
            shown.append(shown_item(one, merchant))
    return shown


def _own_item(work: UnitOfWork, item_id: str, who: Principal) -> tuple[model.Item, model.Merchant]:
    found = repository.item_in(work, item_id)
    if found is None:
        raise NotThere()
    return found, own_merchant(work, found.merchant_id, who)
