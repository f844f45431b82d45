"""Voucher codes: 80 bits of an HMAC over the order's id, written so that people can read them.

Crockford's base 32 (no I, L, O, U) in 16 symbols, and one check symbol of the same alphabet. The
check is a polynomial over GF(32): each symbol is a field element with a weight of its own, and
the weighted sum of all 17 is zero. Distinct weights in a field catch every single wrong symbol
and every swap of two, wherever they stand. Crockford's own check (mod 37) needs ``* ~ $ = U``,
which are hard to say on a telephone and not on every keyboard.

A code is never stored: it is computed again when the owner asks. What is stored is its SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Callable
from typing import Any

from services.store.model.orders import Order
from shared.errors import Refusal

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
SYMBOLS = 16
TYPED_MAX = 64

_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_REDUCTION = 0b100101  # x^5 + x^2 + 1, primitive: the powers of x are 31 distinct weights


class MistypedVoucher(Refusal):
    """The code cannot be a voucher's: wrong length, a strange sign, or its check does not hold."""

    status = 422
    title = "券码有误，请核对 · The code is mistyped"


class WrongVoucher(Refusal):
    """A code that reads well and is no voucher of this merchant: it counts as a guess.

    ``leave`` writes the guess down in the transaction that keeps the refusal.
    """

    leave: Callable[[Any], None] | None = None


class UnknownVoucher(WrongVoucher):
    """No order has this code."""

    status = 404
    title = "没有这张券 · There is no such voucher"


class AnotherMerchantsVoucher(WrongVoucher):
    """The voucher is another merchant's; nothing more is said of it."""

    status = 403
    title = "这是其他商家的券 · This is another merchant's voucher"


class OwnVoucher(Refusal):
    """Nobody verifies the voucher that they redeem themselves."""

    status = 403
    title = "不能核销自己的券 · One cannot verify one's own voucher"


class VoucherKeyGone(Refusal):
    """The key of this voucher was taken out of the ring, so its code cannot be shown any more."""

    status = 410
    title = "该券已无法显示，请取消订单 · The code cannot be shown any more, cancel the order"


def code_of(order_id: str, *, key: bytes) -> str:
    """Return the 17 symbols of an order's voucher under this key."""
    digest = hmac.new(key, order_id.encode(), hashlib.sha256).digest()
    bits = int.from_bytes(digest[: SYMBOLS * 5 // 8])
    values = [bits >> (5 * place) & 31 for place in reversed(range(SYMBOLS))]
    return "".join(ALPHABET[value] for value in [*values, _times_x(_sum(values))])


def grouped(code: str) -> str:
    """Return a code as people read it out: ``XXXX-XXXX-XXXX-XXXX-C``."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def read_code(typed: str) -> str:
    """Return the 17 symbols of what was typed or scanned; refuse what cannot be a code.

    Case, spaces, hyphens and full-width letters do not matter, nor O for 0 and I or L for 1.
    """
    if len(typed) > TYPED_MAX:
        raise MistypedVoucher()
    plain = unicodedata.normalize("NFKC", typed).upper()
    symbols = [sign for sign in plain if not sign.isspace() and sign not in "-‐‑‒–—―−_"]
    if len(symbols) != SYMBOLS + 1 or not all(symbol in _VALUES for symbol in symbols):
        raise MistypedVoucher()
    values = [_VALUES[symbol] for symbol in symbols]
    if _sum(values) != 0:
        raise MistypedVoucher()
    return "".join(ALPHABET[value] for value in values)


def hash_of(code: str) -> str:
    """Return the SHA-256 that the order keeps, in hex."""
    return hashlib.sha256(code.encode()).hexdigest()


def check_bearer(order: Order, *, merchant_id: str, staff_id: str) -> None:
    """Refuse a voucher of another merchant, and of the person who is to verify it."""
    if order.merchant_id != merchant_id:
        raise AnotherMerchantsVoucher()
    if order.volunteer_id == staff_id:
        raise OwnVoucher()


def _sum(values: list[int]) -> int:
    total = 0
    for value in values:
        total = _times_x(total) ^ value
    return total


def _times_x(value: int) -> int:
    doubled = value << 1
    return doubled ^ _REDUCTION if doubled > 31 else doubled
