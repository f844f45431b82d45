"""Merchants and talents: apply, approve, suspend, staff; and who may see which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from services.store import model, repository
from services.store.operations.shown import Shown, shown_merchant, shown_merchant_inside
from shared import ids, regions
from shared.auth import Principal, Role
from shared.errors import Alarm, NotAllowed, NotThere
from shared.mongo import ServiceDatabase, UnitOfWork


def apply_as_merchant(
    work: UnitOfWork,
    *,
    who: Principal,
    name: str,
    kind: str,
    region: str,
    introduction: str,
    now: datetime,
) -> Shown:
    """Keep an application; its applicant is the first staff person.

    Refused where the applicant's role of merchant does not reach the region.
    """
    if not who.may(Role.MERCHANT, region):
        raise NotAllowed()
    merchant = model.Merchant(
        merchant_id=ids.new_id(),
        district=regions.district_of(region),
        region=region,
        name=name,
        kind=model.MerchantKind(kind),
        introduction=introduction,
        status=model.MerchantStatus.APPLIED,
        staff=(who.person_id,),
        applied_at=now,
    )
    repository.add_merchant(work, merchant)
    return shown_merchant_inside(merchant)


def approve_merchant(work: UnitOfWork, *, who: Principal, merchant_id: str, now: datetime) -> Shown:
    """Approve a merchant of the administrator's region, also after a suspension."""
    merchant = _of_admin(work, merchant_id, who)
    return _saved(work, merchant, lambda one: model.approve(one, by=who.person_id, now=now))


def suspend_merchant(
    work: UnitOfWork, *, who: Principal, merchant_id: str, reason: str, now: datetime
) -> Shown:
    """Suspend an approved merchant of the administrator's region."""
    merchant = _of_admin(work, merchant_id, who)
    return _saved(
        work,
        merchant,
        lambda one: model.suspend(one, by=who.person_id, reason=reason, now=now),
    )


def add_staff(work: UnitOfWork, *, who: Principal, merchant_id: str, volunteer_id: str) -> Shown:
    """Let one more person act for the merchant, who needs the role of merchant besides."""
    merchant = own_merchant(work, merchant_id, who)
    return _saved(work, merchant, lambda one: model.add_staff(one, person_id=volunteer_id))


def remove_staff(work: UnitOfWork, *, who: Principal, merchant_id: str, volunteer_id: str) -> Shown:
    """Let a person act for the merchant no longer; never the last one."""
    merchant = own_merchant(work, merchant_id, who)
    return _saved(work, merchant, lambda one: model.remove_staff(one, person_id=volunteer_id))


def own_merchant(
    source: UnitOfWork | ServiceDatabase, merchant_id: str, who: Principal
) -> model.Merchant:
    """Return a merchant for which this person acts; another's is not there.

    The staff list alone is not enough: the role of merchant must reach its region too, so that an
    administrator who takes the role away has ended it.
    """
    merchant = repository.merchant_of_staff(source, merchant_id, who.person_id)
    if merchant is None:
        raise NotThere()
    if not who.may(Role.MERCHANT, merchant.region):
        raise NotAllowed()
    return merchant


def overseen_merchant(
    database: ServiceDatabase, merchant_id: str, who: Principal
) -> model.Merchant | None:
    """Return a merchant of the regions that this administrator or auditor oversees."""
    overseen = (*who.regions(Role.ADMIN), *who.regions(Role.AUDITOR))
    return repository.merchant_within(database, merchant_id, overseen) if overseen else None


def merchant(database: ServiceDatabase, *, who: Principal, merchant_id: str) -> Shown:
    """Return a merchant as far as this person may see it."""
    inside = repository.merchant_of_staff(database, merchant_id, who.person_id)
    inside = inside or overseen_merchant(database, merchant_id, who)
    if inside is not None:
        return shown_merchant_inside(inside)
    approved = repository.approved_merchant(database, merchant_id)
    if approved is None:
        raise NotThere()
    return shown_merchant(approved)


def merchants(
    database: ServiceDatabase,
    *,
    who: Principal,
    region: str | None,
    status: str,
    before: str | None,
    limit: int,
) -> list[Shown]:
    """Return merchants, newest first, one more than ``limit``.

    Everybody sees approved ones; another status needs a region that the asker oversees.
    """
    wanted = model.MerchantStatus(status)
    overseen = region is not None and any(
        who.may(role, region) for role in (Role.ADMIN, Role.AUDITOR)
    )
    if wanted is not model.MerchantStatus.APPROVED and not overseen:
        raise NotAllowed()
    found = repository.merchants_of_status(
        database, wanted, region=region, before=before, limit=limit + 1
    )
    show = shown_merchant_inside if overseen else shown_merchant
    return [show(one) for one in found]


def own_merchants(
    database: ServiceDatabase, *, who: Principal, before: str | None, limit: int
) -> list[Shown]:
    """Return the merchants that this person acts for, newest first, one more than ``limit``."""
    found = repository.merchants_of_person(database, who.person_id, before=before, limit=limit + 1)
    return [shown_merchant_inside(one) for one in found]


def _of_admin(work: UnitOfWork, merchant_id: str, who: Principal) -> model.Merchant:
    merchant = repository.merchant_within(work, merchant_id, who.regions(Role.ADMIN))
    if merchant is None:
        raise NotThere()
    return merchant


def _saved(
    work: UnitOfWork,
    before: model.Merchant,
    change: Callable[[model.Merchant], model.Merchant],
) -> Shown:
    after = change(before)
    if after != before and not repository.save_merchant(work, before, after):
        # Another's change is a conflict, and the body is run again; so this is none.
        raise Alarm("merchant-changed-unseen", before.merchant_id)
    return shown_merchant_inside(after)
