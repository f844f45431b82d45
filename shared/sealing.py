"""Personal data sealed with a key of the person's own: erasing the key erases the person.

AES-256-GCM throughout. A person's key is wrapped with a key of a ring; the id of whose it is, and
the field's name, are bound into each box, so that boxes cannot be swapped between people.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.settings import KeyRing

NONCE_BYTES = 12
KEY_BYTES = 32


class Unsealable(Exception):
    """The key is not there, or the box is not what was sealed."""


@dataclass(frozen=True, kw_only=True)
class WrappedKey:
    """A person's key, readable only with the ring's key of that name."""

    key_id: str
    box: bytes


def new_key(ring: KeyRing, *, about: str) -> tuple[bytes, WrappedKey]:
    """Return a new key and the same wrapped, to keep."""
    key_id, wrapping = ring.current
    key = secrets.token_bytes(KEY_BYTES)
    return key, WrappedKey(key_id=key_id, box=_seal(wrapping, key, f"key:{about}"))


def unwrap(ring: KeyRing, wrapped: WrappedKey, *, about: str) -> bytes:
    """Return the key; raise :class:`Unsealable` where the ring has lost the one that wraps it."""
    wrapping = ring.keys.get(wrapped.key_id)
    if wrapping is None:
        raise Unsealable(f"no key {wrapped.key_id!r} in the ring")
    return _unseal(wrapping, wrapped.box, f"key:{about}")


def seal(key: bytes, text: str, *, about: str, field: str) -> bytes:
    """Return the text as a box that only this key opens, and only as this field of this person."""
    return _seal(key, text.encode(), f"{field}:{about}")


def unseal(key: bytes, box: bytes, *, about: str, field: str) -> str:
    """Return the text in a box; raise :class:`Unsealable` for another key, person or field."""
    return _unseal(key, box, f"{field}:{about}").decode()


def fingerprint(key: bytes, purpose: str, text: str) -> bytes:
    """Return 32 bytes that only the key's holder can make of this text, for this purpose."""
    return hmac.digest(key, f"{purpose}:{text}".encode(), hashlib.sha256)


def _seal(key: bytes, content: bytes, bound: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound.encode())


def _unseal(key: bytes, box: bytes, bound: str) -> bytes:
    try:
        return AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], bound.encode())
    except (InvalidTag, ValueError):
        raise Unsealable(f"cannot be opened as {bound.partition(':')[0]}") from None
