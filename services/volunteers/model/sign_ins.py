"""Being signed in: a chain of refresh tokens, each good for one refresh.

A sign-in is one document; ``serial`` counts its refreshes, and the only good token is the one that
carries the newest serial. Whoever shows an older one shows that two hold the chain: it ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.errors import Refusal


class RefreshTokenNotValid(Refusal):
    """Forged, expired, ended, or used before: sign in again. ``leave`` ends a chain two hold."""

    status = 401
    title = "请重新登录 · Please sign in again"

    leave: Callable[[Any], None] | None = None


@dataclass(frozen=True, kw_only=True)
class SignIn:
    """One device's chain of refresh tokens."""

    sign_in_id: str
    person_id: str
    serial: int
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class RefreshToken:
    """What a refresh token says, once its mark was found to be ours."""

    sign_in_id: str
    serial: int


class ReusedRefreshToken(RefreshTokenNotValid):
    """The token was refreshed before: somebody has a copy."""


def check_refresh(sign_in: SignIn | None, token: RefreshToken, *, now: datetime) -> SignIn:
    """Return the sign-in that this token may go on with; refuse any other."""
    if sign_in is None or sign_in.ended_at is not None or now >= sign_in.expires_at:
        raise RefreshTokenNotValid()
    if token.serial != sign_in.serial:
        raise ReusedRefreshToken()
    return sign_in
