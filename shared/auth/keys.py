"""Public keys by their id: held by the process itself, or fetched from who publishes them."""

from __future__ import annotations

import base64
import json
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shared import clock

FETCH_TIMEOUT_S = 2.0
FETCH_PAUSE_S = 2.0
"""An unknown key id makes the set be fetched again, but no more often than this."""
FRESH_S = 60.0
"""A set older than this is fetched again beside the requests, which go on with the old one."""
KEY_SET_BYTES_MAX = 65_536

log = logging.getLogger(__name__)


class KeysNotThere(Exception):
    """No key set could be had yet, so nobody can be told who they are; ask again soon."""


class KeySource(Protocol):
    """Where public keys are looked up by their id."""

    def key(self, key_id: str) -> Ed25519PublicKey | None:
        """Return the key; None where no such key is published."""


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
