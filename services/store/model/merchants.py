"""Merchants and talents: applied, approved, suspended; and the people who act for them.

One document per merchant holds its status and its staff, so every rule here is decided by that
document's ``revision`` alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.errors import Refusal

STAFF_MAX = 50


class MerchantNotApproved(Refusal):
    """A merchant sells nothing before it is approved, nor while it is suspended."""

    title = "商家未获批准 · The merchant is not approved"


class MerchantSuspended(Refusal):
    """A suspended merchant's vouchers wait: their owners may cancel them and lose nothing."""

    title = "商家已被暂停 · The merchant is suspended"


class OwnMerchant(Refusal):
    """Nobody approves the merchant that they act for."""

    status = 403
    title = "不能审批自己的商家 · One cannot approve one's own merchant"


class LastStaffPerson(Refusal):
    """A merchant keeps at least one person who can act for it."""

    title = "商家至少保留一名工作人员 · The last staff person stays"


class TooManyStaff(Refusal):
    """A merchant has at most 50 staff."""

    title = "工作人员已满 · The merchant has its full staff"


class NotStaff(Refusal):
    """The person to remove is not among the staff."""

    title = "此人不是工作人员 · This person is not staff"


class MerchantKind(StrEnum):
    """A shop, or a skilled person (达人) who offers services."""

    MERCHANT = "merchant"
    TALENT = "talent"


class MerchantStatus(StrEnum):
    """Where a merchant stands; only an approved one sells and verifies."""

    APPLIED = "applied"
    APPROVED = "approved"
    SUSPENDED = "suspended"


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """Who puts items on the shelf."""

    merchant_id: str
    district: str
    region: str
    name: str
    kind: MerchantKind
    introduction: str
    status: MerchantStatus
    staff: tuple[str, ...]
    applied_at: datetime
    approved_at: datetime | None = None
    approved_by: str | None = None
    suspended_at: datetime | None = None
    suspended_by: str | None = None
    suspension_reason: str | None = None
    revision: int = 1


def approve(merchant: Merchant, *, by: str, now: datetime) -> Merchant:
    """Return the merchant approved, also after a suspension; refuse its own staff.

    One that is approved already stays as it is.
    """
    if by in merchant.staff:
        raise OwnMerchant()
    if merchant.status is MerchantStatus.APPROVED:
        return merchant
    return replace(
        merchant,
        status=MerchantStatus.APPROVED,
        approved_at=now,
        approved_by=by,
        suspended_at=None,
        suspended_by=None,
        suspension_reason=None,
        revision=merchant.revision + 1,
    )


def suspend(merchant: Merchant, *, by: str, reason: str, now: datetime) -> Merchant:
    """Return the merchant suspended; refuse one that was never approved.

    It sells nothing and its vouchers wait until it is approved again; each owner may cancel and
    has the points back at once, so nobody loses by it and nobody can cash out under suspicion.
    """
    if merchant.status is MerchantStatus.APPLIED:
        raise MerchantNotApproved()
    if merchant.status is MerchantStatus.SUSPENDED:
        return merchant
    return replace(
        merchant,
        status=MerchantStatus.SUSPENDED,
        suspended_at=now,
        suspended_by=by,
        suspension_reason=reason,
        revision=merchant.revision + 1,
    )


def add_staff(merchant: Merchant, *, person_id: str) -> Merchant:
    """Return the merchant with one more staff person; someone already there changes nothing."""
    if person_id in merchant.staff:
        return merchant
    if len(merchant.staff) >= STAFF_MAX:
        raise TooManyStaff(most=STAFF_MAX)
    return replace(merchant, staff=(*merchant.staff, person_id), revision=merchant.revision + 1)


def remove_staff(merchant: Merchant, *, person_id: str) -> Merchant:
    """Return the merchant without this person; refuse a stranger and the last one."""
    if person_id not in merchant.staff:
        raise NotStaff()
    if len(merchant.staff) == 1:
        raise LastStaffPerson()
    rest = tuple(one for one in merchant.staff if one != person_id)
    return replace(merchant, staff=rest, revision=merchant.revision + 1)
