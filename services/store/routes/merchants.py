"""Merchants over HTTP: apply, approve, suspend, staff, settlement."""

from __future__ import annotations

from typing import Any

from services.store import operations
from services.store.schemas import (
    ApplyAsMerchant,
    MerchantPage,
    MerchantQuery,
    MerchantShown,
    SettlementQuery,
    SettlementShown,
    StaffPerson,
    SuspendMerchant,
)
from shared import clock
from shared.auth import Role
from shared.web import Blueprint, once, page, principal, requires, service_db

merchants = Blueprint(
    "merchants",
    __name__,
    url_prefix="/v1",
    description="商家与达人 · Merchants, talents and those who act for them",
)


@merchants.post("/merchants")
@requires(Role.MERCHANT)
@merchants.arguments(ApplyAsMerchant)
@merchants.response(201, MerchantShown)
def apply_as_merchant(body: dict[str, Any]) -> Any:
    """Apply as a merchant or talent of a region; the applicant is the first staff person."""
    who = principal()
    return once(lambda work: operations.apply_as_merchant(work, who=who, now=clock.now(), **body))


@merchants.get("/merchants")
@requires(Role.VOLUNTEER)
@merchants.arguments(MerchantQuery, location="query")
@merchants.response(200, MerchantPage)
def list_merchants(query: dict[str, Any]) -> dict[str, Any]:
    """List approved merchants, those one acts for, or (who oversees a region) others of it."""
    before, limit = query["after"], query["limit"]
    if query["mine"]:
        found = operations.own_merchants(service_db(), who=principal(), before=before, limit=limit)
    else:
        found = operations.merchants(
            service_db(),
            who=principal(),
            region=query["region"],
            status=query["status"],
            before=before,
            limit=limit,
        )
    return page(found, limit, key=lambda one: str(one["merchant_id"]))


@merchants.get("/merchants/<merchant_id>")
@requires(Role.VOLUNTEER)
@merchants.response(200, MerchantShown)
def show_merchant(merchant_id: str) -> dict[str, Any]:
    """Show a merchant, as far as the asker may see it."""
    return operations.merchant(service_db(), who=principal(), merchant_id=merchant_id)


@merchants.post("/merchants/<merchant_id>/approvals")
@requires(Role.ADMIN)
@merchants.response(201, MerchantShown)
def approve_merchant(merchant_id: str) -> Any:
    """Approve a merchant of one's region, for the first time or after a suspension."""
    who = principal()
    return once(
        lambda work: operations.approve_merchant(
            work, who=who, merchant_id=merchant_id, now=clock.now()
        )
    )


@merchants.post("/merchants/<merchant_id>/suspensions")
@requires(Role.ADMIN)
@merchants.arguments(SuspendMerchant)
@merchants.response(201, MerchantShown)
def suspend_merchant(body: dict[str, Any], merchant_id: str) -> Any:
    """Suspend an approved merchant of one's region: it sells nothing and verifies nothing."""
    who = principal()
    return once(
        lambda work: operations.suspend_merchant(
            work, who=who, merchant_id=merchant_id, now=clock.now(), **body
        )
    )


@merchants.post("/merchants/<merchant_id>/staff")
@requires(Role.MERCHANT)
@merchants.arguments(StaffPerson)
@merchants.response(201, MerchantShown)
def add_staff(body: dict[str, Any], merchant_id: str) -> Any:
    """Let one more person act for one's merchant."""
    who = principal()
    return once(lambda work: operations.add_staff(work, who=who, merchant_id=merchant_id, **body))


@merchants.post("/merchants/<merchant_id>/staff-removals")
@requires(Role.MERCHANT)
@merchants.arguments(StaffPerson)
@merchants.response(201, MerchantShown)
def remove_staff(body: dict[str, Any], merchant_id: str) -> Any:
    """Let a person act for one's merchant no longer; never the last one."""
    who = principal()
    return once(
        lambda work: operations.remove_staff(work, who=who, merchant_id=merchant_id, **body)
    )


@merchants.get("/merchants/<merchant_id>/settlement-lines")
@requires(Role.MERCHANT, Role.ADMIN, Role.AUDITOR)
@merchants.arguments(SettlementQuery, location="query")
@merchants.response(200, SettlementShown)
def list_settlement_lines(query: dict[str, Any], merchant_id: str) -> dict[str, Any]:
    """List what a month brought a merchant, with the month's total."""
    database, limit = service_db(), query["limit"]
    month = query["month"] or clock.local_month(clock.now(), database.settings.time_zone)
    found = operations.settlement(
        database,
        who=principal(),
        merchant_id=merchant_id,
        month=month,
        before=query["after"],
        limit=limit,
    )
    return {**found, **page(found["items"], limit, key=lambda line: str(line["order_id"]))}
