"""Bearer token → principal: who asks, and in which roles and regions they may act.

Tokens are signed with EdDSA by the volunteers service and verified by everyone else from its
published key set. A key id is only ever looked up in the cached set; nothing in a token says where
a key comes from. Expiry goes by real time.
"""

from __future__ import annotations

import base64
import enum
import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared import clock, ids, regions
from shared.errors import Refusal

ISSUER = "gongxiang"
AUDIENCE = "gongxiang"
TYPE = "at+jwt"
TOKEN_CHARS_MAX = 8_192

FETCH_TIMEOUT_S = 2.0
FETCH_PAUSE_S = 2.0
"""An unknown key id makes the set be fetched again, but no more often than this."""
FRESH_S = 60.0
"""A set older than this is fetched again beside the requests, which go on with the old one."""
KEY_SET_BYTES_MAX = 65_536

log = logging.getLogger(__name__)


class NotSignedIn(Refusal):
    """No token came with the request."""

    status = 401
    title = "请先登录 · Not signed in"


class TokenNotValid(Refusal):
    """The token is forged, expired, meant for something else, or not a token."""

    status = 401
    title = "登录已失效 · The sign-in is not valid"


class KeysNotThere(Exception):
    """No key set could be had yet, so nobody can be told who they are; ask again soon."""


class Role(enum.StrEnum):
    """What a person may act as. Everyone with a token is a volunteer, everywhere."""

    VOLUNTEER = "volunteer"
    ORGANISER = "organiser"
    MERCHANT = "merchant"
    ADMIN = "admin"
    AUDITOR = "auditor"


@dataclass(frozen=True)
class Grant:
    """A role within a region and all that lies in it; the empty region is everywhere."""

    role: Role
    region: str


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The person who asks."""

    person_id: str
    number: str
    roles: tuple[Grant, ...]

    def has(self, role: Role) -> bool:
        """Tell whether the person has the role in any region."""
        return any(grant.role is role for grant in self.roles)

    def may(self, role: Role, region: str) -> bool:
        """Tell whether the person's role reaches this region."""
        return any(g.role is role and regions.within(region, g.region) for g in self.roles)

    def regions(self, role: Role) -> tuple[str, ...]:
        """Return the regions in which the person has the role."""
        return tuple(grant.region for grant in self.roles if grant.role is role)


class KeySource(Protocol):
    """Where public keys are looked up by their id."""

    def key(self, key_id: str) -> Ed25519PublicKey | None:
        """Return the key; None where no such key is published."""


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


class KnownKeys:
    """The keys of a process that holds the seeds itself: the volunteers service, and tests."""

    def __init__(self, seeds: Mapping[str, bytes]) -> None:
        self._keys = {
            name: Ed25519PrivateKey.from_private_bytes(seed).public_key()
            for name, seed in seeds.items()
        }

    def key(self, key_id: str) -> Ed25519PublicKey | None:
        """Return the public key of that id; None where there is none."""
        return self._keys.get(key_id)

    def published(self) -> dict[str, Any]:
        """Return the key set as others fetch it (JWKS, RFC 8037)."""
        return {
            "keys": [
                {
                    "kty": "OKP",
                    "crv": "Ed25519",
                    "use": "sig",
                    "alg": "EdDSA",
                    "kid": name,
                    "x": base64.urlsafe_b64encode(key.public_bytes_raw()).rstrip(b"=").decode(),
                }
                for name, key in self._keys.items()
            ]
        }


class FetchedKeys:
    """The published key set of the volunteers service, cached; the last good one is kept.

    While that service is away, tokens signed with cached keys are still verified.
    """

    ACCEPT: ClassVar[str] = "application/json"

    def __init__(self, url: str) -> None:
        self._url = url
        self._guard = threading.Lock()
        self._keys: dict[str, Ed25519PublicKey] | None = None
        self._tried_at = float("-inf")
        self._fresh_at = float("-inf")

    def key(self, key_id: str) -> Ed25519PublicKey | None:
        """Return the key of that id; raise :class:`KeysNotThere` while no set was ever had."""
        known = self._keys
        if known is not None and key_id in known:
            if clock.monotonic() - self._fresh_at > FRESH_S:
                self._fetch_beside()
            return known[key_id]
        # Whoever waits here for another's fetch finds its result, and does not fetch again.
        with self._guard:
            if clock.monotonic() - self._tried_at >= FETCH_PAUSE_S:
                self._fetch()
        if self._keys is None:
            raise KeysNotThere
        return self._keys.get(key_id)

    def _fetch_beside(self) -> None:
        if clock.monotonic() - self._tried_at >= FETCH_PAUSE_S and self._guard.acquire(
            blocking=False
        ):
            self._tried_at = clock.monotonic()
            threading.Thread(target=self._fetch_and_release, name="key-set", daemon=True).start()

    def _fetch_and_release(self) -> None:
        try:
            self._fetch()
        finally:
            self._guard.release()

    def _fetch(self) -> None:
        self._tried_at = clock.monotonic()
        request = urllib.request.Request(self._url, headers={"Accept": self.ACCEPT})  # noqa: S310 - our own setting
        try:
            with urllib.request.urlopen(request, timeout=FETCH_TIMEOUT_S) as answer:  # noqa: S310
                keys = _read_key_set(json.loads(answer.read(KEY_SET_BYTES_MAX)))
        except (OSError, urllib.error.URLError, ValueError, KeyError, TypeError) as error:
            log.warning("key set not fetched", extra={"reason": type(error).__name__})
            return
        self._keys = keys
        self._fresh_at = clock.monotonic()


def _read_key_set(document: Any) -> dict[str, Ed25519PublicKey]:
    keys = {
        entry["kid"]: Ed25519PublicKey.from_public_bytes(
            base64.urlsafe_b64decode(entry["x"] + "=" * (-len(entry["x"]) % 4))
        )
        for entry in document["keys"]
        if entry["kty"] == "OKP" and entry["crv"] == "Ed25519" and isinstance(entry["kid"], str)
    }
    if not keys:
        raise ValueError("an empty key set")
    return keys


def _safe_id(value: Any) -> str:
    if not isinstance(value, str) or not ids.is_safe(value):
        raise ValueError("no id")
    return value


def _grants(rows: Sequence[Any]) -> tuple[Grant, ...]:
    grants = tuple(Grant(Role(role), region) for role, region in rows)
    if not all(isinstance(g.region, str) and regions.is_code(g.region) for g in grants):
        raise ValueError("no region")
    return grants
