"""The shelf over HTTP: items, their edits and their stock."""

from __future__ import annotations

from typing import Any

from flask import request

from services.store import operations
from services.store.schemas import (
    AddItem,
    EditItem,
    ItemPage,
    ItemShown,
    ReceiveStock,
    ShelfQuery,
)
from shared import clock
from shared.auth import NotSignedIn, Principal, Role
from shared.web import (
    Blueprint,
    anyone,
    etag,
    if_match,
    once,
    principal,
    requires,
    service_db,
    tagged,
)

items = Blueprint("items", __name__, url_prefix="/v1", description="货架 · The shelf")


@items.post("/merchants/<merchant_id>/items")
@requires(Role.MERCHANT)
@items.arguments(AddItem)
@items.response(201, ItemShown)
def add_item(body: dict[str, Any], merchant_id: str) -> Any:
    """Put an item with its first stock on the shelf of one's merchant."""
    who = principal()
    return once(
        lambda work: operations.add_item(
            work, who=who, merchant_id=merchant_id, now=clock.now(), **body
        )
    )


@items.get("/items")
@anyone
@items.arguments(ShelfQuery, location="query")
@items.response(200, ItemPage)
def list_items(query: dict[str, Any]) -> dict[str, Any]:
    """List what is on the shelf, newest first; of one's own merchant also what is off it.

    A page is looked at after it was cut: it may hold fewer than asked for and still have a next.
    """
    database, who, limit = service_db(), _asker(), query["limit"]
    if query["merchant_id"] is None:
        found = operations.shelf(
            database, region=query["region"], before=query["after"], limit=limit
        )
    else:
        found = operations.shelf_of_merchant(
            database, merchant_id=query["merchant_id"], before=query["after"], limit=limit
        )
    return {
        "items": operations.show_items(database, found[:limit], who=who),
        "next": found[limit - 1].item_id if len(found) > limit else None,
    }


@items.get("/items/<item_id>")
@anyone
@items.response(200, ItemShown)
@tagged
def show_item(item_id: str) -> dict[str, Any]:
    """Show an item that is on the shelf; to its staff also one that is not."""
    item = operations.item(service_db(), who=_asker(), item_id=item_id)
    etag(_tag(item))
    return item


@items.patch("/items/<item_id>")
@requires(Role.MERCHANT)
@items.arguments(EditItem)
@items.response(200, ItemShown)
@tagged
def edit_item(body: dict[str, Any], item_id: str) -> dict[str, Any]:
    """Change an item of one's merchant; needs If-Match with the tag that was last seen."""
    database, who = service_db(), principal()
    seen = operations.own_item(database, who=who, item_id=item_id)
    if_match(_tag_that_will_do(seen))
    edited = database.unit_of_work(
        lambda work: operations.edit_item(
            work, who=who, item_id=item_id, revision=seen["revision"], changes=body
        ),
        holding=operations.stock_lock(item_id),
    )
    etag(_tag(edited))
    return edited


@items.post("/items/<item_id>/stock-arrivals")
@requires(Role.MERCHANT)
@items.arguments(ReceiveStock)
@items.response(201, ItemShown)
def receive_stock(body: dict[str, Any], item_id: str) -> Any:
    """Add pieces that arrived to the stock of an item of one's merchant."""
    who = principal()
    return once(
        lambda work: operations.receive_stock(work, who=who, item_id=item_id, **body),
        holding=operations.stock_lock(item_id),
    )


def _asker() -> Principal | None:
    """Return who asks, None where nobody said; a token that is no good is refused."""
    try:
        return principal()
    except NotSignedIn:
        return None


def _tag(item: dict[str, Any]) -> str:
    """Return the tag of what is shown: its revision, and what its stock is beside it."""
    stock = (item.get(name, "") for name in ("free", "reserved", "gone"))
    return ".".join(str(part) for part in (item["revision"], *stock))


def _tag_that_will_do(item: dict[str, Any]) -> str:
    """Return the tag in If-Match that names this revision; else the present one.

    Orders move the stock all the time, and no edit overwrites it: who saw the revision may edit.
    """
    for tag in request.if_match.as_set():
        if tag.partition(".")[0] == str(item["revision"]):
            return tag
    return _tag(item)
