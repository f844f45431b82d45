"""What a day must have had to be called one."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Any

OF_EACH_VOLUNTEER = {
    "sign_ups": Fraction(300, 300),
    "services_confirmed": Fraction(200, 300),
    "orders": Fraction(100, 300),
    "vouchers_used": Fraction(60, 300),
}

REQUIRED_REFUSALS = {
    "overlapping-sign-up": "时间冲突的报名 · an overlapping sign-up",
    "withdrawal-too-late": "过了退出时限 · a withdrawal too late",
    "own-service": "确认自己的服务 · one's own service confirmed",
    "insufficient-points": "积分不足 · too few points",
    "out-of-stock": "最后一件被抢走 · out of stock",
    "monthly-limit": "超过每月限额 · the monthly limit",
    "voucher-used": "凭证再次出示 · a voucher used before",
    "another-merchants-voucher": "拿到别家的凭证 · another merchant's voucher",
}


def minimums(volunteers: int) -> dict[str, int]:
    """Return how many of each a day of so many volunteers has at least."""
    return {name: ceil(share * volunteers) for name, share in OF_EACH_VOLUNTEER.items()}


def shortfalls(
    report: Mapping[str, Any], refused: Mapping[str, int], *, volunteers: int
) -> list[str]:
    """Return in words what the day did not reach; nothing where it reached everything."""
    few = [
        f"{name}: {report[name]}, at least {least} were to be"
        for name, least in minimums(volunteers).items()
        if report[name] < least
    ]
    never = [
        f"{code}: {words} did not happen"
        for code, words in REQUIRED_REFUSALS.items()
        if not refused.get(code)
    ]
    return few + never
