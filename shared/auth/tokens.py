"""Bearer token → principal, and the making of tokens: EdDSA, ours alone, for a short real time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared import clock, ids, regions
from shared.auth.keys import KeySource
from shared.auth.principals import Grant, Principal, Role
from shared.errors import Refusal

ISSUER = "gongxiang"
AUDIENCE = "gongxiang"
TYPE = "at+jwt"
TOKEN_CHARS_MAX = 8_192


class NotSignedIn(Refusal):
    """No token came with the request."""

    status = 401
    title = "请先登录 · Not signed in"


class TokenNotValid(Refusal):
    """The token is forged, expired, meant for something else, or not a token."""

    status = 401
    title = "登录已失效 · The sign-in is not valid"


class Verifier:
    """Makes principals of tokens."""

    def __init__(self, keys: KeySource, *, audience: str = AUDIENCE) -> None:
        self._keys = keys
        self._audience = audience

    def principal(self, token: str) -> Principal:
        """Return who the token speaks of; raise :class:`TokenNotValid` for any doubt."""
        try:
            claims = self._claims(token)
            return Principal(
                person_id=_safe_id(claims["sub"]),
                number=str(claims["num"]),
                roles=(Grant(Role.VOLUNTEER, ""), *_grants(claims["roles"])),
            )
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, RecursionError):
            # One answer for all of them: what is wrong with a forgery is not its maker's business.
            raise TokenNotValid from None

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_CHARS_MAX:
            raise ValueError("longer than any token of ours")
        header = jwt.get_unverified_header(token)
        if header.get("typ") != TYPE or header.get("alg") != "EdDSA":
            raise ValueError("no access token of ours")
        key = self._keys.key(header["kid"]) if isinstance(header.get("kid"), str) else None
        if key is None:
            raise ValueError("no such key")
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=self._audience,
            issuer=ISSUER,
            options={
                "require": ["exp", "iat", "sub", "aud", "iss"],
                # Judged below by our own clock: real time, and tests can turn it.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
        if not isinstance(claims["exp"], int) or claims["exp"] * 1000 <= clock.to_ms(
            clock.real_now()
        ):
            raise ValueError("expired")
        return claims


def issue(
    *,
    person_id: str,
    number: str,
    grants: Iterable[Grant],
    key: tuple[str, bytes],
    now: datetime,
    lifetime: timedelta,
    token_id: str | None = None,
    audience: str = AUDIENCE,
) -> str:
    """Return a signed access token; ``key`` is the key's id and its 32-byte seed.

    The same values make the same token, where ``token_id`` is among them.
    """
    key_id, seed = key
    claims = {
        "iss": ISSUER,
        "aud": audience,
        "sub": person_id,
        "num": number,
        "roles": [[grant.role.value, grant.region] for grant in grants if grant.region],
        "iat": int(now.timestamp()),
        "exp": int((now + lifetime).timestamp()),
        "jti": token_id or ids.new_id(),
    }
    private = Ed25519PrivateKey.from_private_bytes(seed)
    return jwt.encode(claims, private, algorithm="EdDSA", headers={"kid": key_id, "typ": TYPE})


def _safe_id(value: Any) -> str:
    if not isinstance(value, str) or not ids.is_safe(value):
        raise ValueError("no id")
    return value


def _grants(rows: Sequence[Any]) -> tuple[Grant, ...]:
    grants = tuple(Grant(Role(role), region) for role, region in rows)
    if not all(isinstance(g.region, str) and regions.is_code(g.region) for g in grants):
        raise ValueError("no region")
    return grants
