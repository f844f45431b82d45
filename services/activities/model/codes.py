"""Check-in codes: signed, short-lived, naming the shift and a window of time.

A window lasts as long as a code lives (30 seconds by default), and a new one begins every half of
that. The code shown is the newest window's, so a person has at least half of its life to use it,
and nobody has more than the whole: what is accepted is the current window and the one before, each
only within its own life. A photograph of a code is worth nothing half a minute later.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from shared.errors import Refusal

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SIGNATURE_BITS = 80


class WrongCode(Refusal):
    """The code is no check-in code of this shift."""

    status = 403
    title = "签到码不正确 · The code is wrong"


class CodeNeeded(Refusal):
    """Who checks in for themselves shows the code of the moment."""

    status = 422
    title = "需要签到码 · A check-in code is needed"


class CodeExpired(Refusal):
    """The code was this shift's, and its life is over."""

    status = 403
    title = "签到码已过期 · The code has expired"


def code_shown(
    *, shift_id: str, now: datetime, life_seconds: int, key: bytes
) -> tuple[str, datetime]:
    """Return the shift's code of this moment and when its life ends."""
    step = life_seconds // 2
    starts = int(now.timestamp()) // step * step
    return _code(shift_id, starts, key), _moment(starts) + timedelta(seconds=life_seconds)


def check_code(
    *, code: str, shift_id: str, now: datetime, life_seconds: int, keys: Mapping[str, bytes]
) -> None:
    """Refuse a code that is not this shift's by any of the keys, or whose window is not now."""
    given = code.strip().upper()
    starts = _window(given)
    # Every key is tried, also after one fitted: the time taken says nothing about the code.
    fits = [
        starts is not None and hmac.compare_digest(_code(shift_id, starts, key), given)
        for key in keys.values()
    ]
    if starts is None or not any(fits):
        raise WrongCode
    if not _moment(starts) <= now < _moment(starts) + timedelta(seconds=life_seconds):
        raise CodeExpired


def _code(shift_id: str, starts: int, key: bytes) -> str:
    meant = f"check-in\0{shift_id}\0{starts}".encode()
    signature = int.from_bytes(hmac.digest(key, meant, hashlib.sha256)[: _SIGNATURE_BITS // 8])
    return f"{_base32(starts, 7)}-{_base32(signature, _SIGNATURE_BITS // 5)}"


def _window(code: str) -> int | None:
    name = code.partition("-")[0]
    if len(name) != 7 or not code.isascii() or any(letter not in _ALPHABET for letter in name):
        return None
    value = 0
    for letter in name:
        value = value * 32 + _ALPHABET.index(letter)
    return value


def _base32(value: int, length: int) -> str:
    letters = [_ALPHABET[value >> 5 * place & 31] for place in range(length)]
    return "".join(reversed(letters))


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
