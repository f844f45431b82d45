"""Bearer token → principal, and the making of tokens: EdDSA, ours alone, for a short real time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared import clock, ids, regions
from shared.auth.keys import KeySource
from shared.auth.principals import Grant, Principal, Role
from shared.errors import Refusal

ISSUER = "gongxiang"
AUDIENCE = "gongxiang"
TYPE = "at+jwt"
TOKEN_CHARS_MAX = 8_192
VERIFIED_MAX = 2_000


class NotSignedIn(Refusal):
    """No token came with the request."""

    status = 401
    title = "请先登录 · Not signed in"


class TokenNotValid(Refusal):
    """The token is forged, expired, meant for something else, or not a token."""

    status = 401
    title = "登录已失效 · The sign-in is not valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verified:
    """A token whose signature was found good, and by which key."""

    who: Principal
    key_id: str
    key: Ed25519PublicKey
    expires_at: int


class Verifier:
    """Makes principals of tokens.

    A signature found good is not verified again while its key is the published one: that would be
    a fifth of what a small request costs. Expiry and key are looked at each time.
    """

    def __init__(self, keys: KeySource, *, audience: str = AUDIENCE) -> None:
        self._keys = keys
        self._audience = audience
        self._verified: dict[str, _Verified] = {}

    def principal(self, token: str) -> Principal:
        """Return who the token speaks of; raise :class:`TokenNotValid` for any doubt."""
        known = self._verified.get(token)
        if known is not None and self._keys.key(known.key_id) is known.key:
            _look_at_expiry(known.expires_at)
            return known.who
        try:
            found = self._verify(token)
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, RecursionError):
            # One answer for all of them: what is wrong with a forgery is not its maker's business.
            raise TokenNotValid from None
        if len(self._verified) >= VERIFIED_MAX:
            self._verified.clear()
        self._verified[token] = found
        return found.who

    def _verify(self, token: str) -> _Verified:
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
        if not isinstance(claims["exp"], int):
            raise TypeError("no time of ours")
        _look_at_expiry(claims["exp"])
        who = Principal(
            person_id=_safe_id(claims["sub"]),
            number=str(claims["num"]),
            roles=(Grant(Role.VOLUNTEER, ""), *_grants(claims["roles"])),
        )
        return _Verified(who=who, key_id=header["kid"], key=key, expires_at=claims["exp"])


def _look_at_expiry(expires_at: int) -> None:
    if expires_at * 1000 <= clock.to_ms(clock.real_now()):
        raise TokenNotValid


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
