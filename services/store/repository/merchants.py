"""The collection ``merchants``: one document each, decided by its ``revision``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.store.model import Merchant, MerchantKind, MerchantStatus
from shared import regions
from shared.mongo import Document, ServiceDatabase, UnitOfWork

_IN_MAX = 50


def add_merchant(work: UnitOfWork, merchant: Merchant) -> None:
    """Keep a new merchant."""
    work.db.merchants.insert_one(_document(merchant), session=work.session)


def save_merchant(work: UnitOfWork, before: Merchant, after: Merchant) -> bool:
    """Replace the merchant that was read; False where it is no longer at that revision."""
    saved = work.db.merchants.replace_one(
        {"_id": before.merchant_id, "revision": before.revision},
        _document(after),
        session=work.session,
    )
    return saved.matched_count == 1


def merchant_in(work: UnitOfWork, merchant_id: str) -> Merchant | None:
    """Return a merchant as the transaction sees it."""
    return _read(work.db.merchants.find_one({"_id": merchant_id}, session=work.session))


def merchant_of_staff(
    source: UnitOfWork | ServiceDatabase, merchant_id: str, person_id: str
) -> Merchant | None:
    """Return a merchant where this person is among its staff."""
    return _one(source, {"_id": merchant_id, "staff": person_id})


def merchant_within(
    source: UnitOfWork | ServiceDatabase, merchant_id: str, codes: Sequence[str]
) -> Merchant | None:
    """Return a merchant where it lies in one of these regions."""
    return _one(source, {"_id": merchant_id, "within": {"$in": list(codes[:_IN_MAX])}})


def approved_merchant(database: ServiceDatabase, merchant_id: str) -> Merchant | None:
    """Return a merchant where everybody may see it."""
    return _one(database, {"_id": merchant_id, "status": MerchantStatus.APPROVED.value})


def merchants_by_id(database: ServiceDatabase, ids: Iterable[str]) -> dict[str, Merchant]:
    """Return those merchants that are there, by their id; for one page of a list."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str, Merchant] = {}
    for start in range(0, len(wanted), _IN_MAX):
        some = wanted[start : start + _IN_MAX]
        for document in database.db.merchants.find({"_id": {"$in": some}}):
            found[document["_id"]] = _merchant(document)
    return found


def merchants_of_status(
    database: ServiceDatabase,
    status: MerchantStatus,
    *,
    region: str | None,
    before: str | None,
    limit: int,
) -> list[Merchant]:
    """Return merchants of a status, newest first; of one region or of all."""
    which: Document = {"status": status.value}
    if region is not None:
        which["within"] = region
    return _page(database, which, before, limit)


def merchants_of_person(
    database: ServiceDatabase, person_id: str, *, before: str | None, limit: int
) -> list[Merchant]:
    """Return the merchants that a person acts for, newest first."""
    return _page(database, {"staff": person_id}, before, limit)


def _page(
    database: ServiceDatabase, which: Document, before: str | None, limit: int
) -> list[Merchant]:
    if before is not None:
        which = {**which, "_id": {"$gt": "", "$lt": before}}
    found = database.db.merchants.find(which).sort("_id", -1).limit(limit)
    return [_merchant(document) for document in found]


def _one(source: UnitOfWork | ServiceDatabase, which: Document) -> Merchant | None:
    session = source.session if isinstance(source, UnitOfWork) else None
    return _read(source.db.merchants.find_one(which, session=session))


def _read(document: Document | None) -> Merchant | None:
    return None if document is None else _merchant(document)


def _merchant(document: Document) -> Merchant:
    return Merchant(
        merchant_id=document["_id"],
        district=document["district"],
        region=document["region"],
        name=document["name"],
        kind=MerchantKind(document["kind"]),
        introduction=document["introduction"],
        status=MerchantStatus(document["status"]),
        staff=tuple(document["staff"]),
        applied_at=document["applied_at"],
        approved_at=document["approved_at"],
        approved_by=document["approved_by"],
        suspended_at=document["suspended_at"],
        suspended_by=document["suspended_by"],
        suspension_reason=document["suspension_reason"],
        revision=document["revision"],
    )


def _document(merchant: Merchant) -> Document:
    return {
        "_id": merchant.merchant_id,
        "district": merchant.district,
        "region": merchant.region,
        "within": regions_around(merchant.region),
        "name": merchant.name,
        "kind": merchant.kind.value,
        "introduction": merchant.introduction,
        "status": merchant.status.value,
        "staff": list(merchant.staff),
        "applied_at": merchant.applied_at,
        "approved_at": merchant.approved_at,
        "approved_by": merchant.approved_by,
        "suspended_at": merchant.suspended_at,
        "suspended_by": merchant.suspended_by,
        "suspension_reason": merchant.suspension_reason,
        "revision": merchant.revision,
    }


def regions_around(code: str) -> list[str]:
    """Return a region's code and those of all that it lies in, so that each is an equality."""
    return [code[:length] for length in regions.LENGTHS.values() if length <= len(code)]
