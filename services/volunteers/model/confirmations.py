"""Confirming a telephone: a code of six digits, for ten minutes and five guesses, once.

Codes live in real time, as tokens do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.errors import Refusal

CODE_LIFE = timedelta(minutes=10)
CODE_DIGITS = 6
GUESSES_MAX = 5
SENDING_WINDOW = timedelta(hours=1)


class UnknownConfirmation(Refusal):
    """No code was asked for under this id for this telephone."""

    status = 404
    title = "没有此验证请求 · There is no such confirmation for this telephone"


class WrongCode(Refusal):
    """Not the code that was sent. ``leave`` writes the guess down where the refusal is kept."""

    status = 403
    title = "验证码错误 · Wrong code"

    leave: Callable[[Any], None] | None = None


class CodeExpired(Refusal):
    """The code was good for ten minutes."""

    status = 403
    title = "验证码已过期 · The code has expired"


class CodeUsed(Refusal):
    """The code was good for one registration or sign-in."""

    status = 403
    title = "验证码已使用 · The code was used already"


class TooManyGuesses(Refusal):
    """Five guesses were wrong; a new code has to be asked for."""

    status = 403
    title = "错误次数过多，请重新获取验证码 · Too many wrong guesses, please ask for a new code"


class TooManyCodes(Refusal):
    """The telephone was sent as many codes as it may be within an hour."""

    status = 429
    title = "验证码发送过于频繁 · Too many codes for this telephone"


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """A code that was asked for. The code itself is nowhere: it is computed when needed."""

    confirmation_id: str
    phone_hmac: str
    expires_at: datetime
    guesses: int
    used_at: datetime | None
    sent_at: datetime | None


def check_open(confirmation: Confirmation | None, *, phone_hmac: str, now: datetime) -> None:
    """Refuse a confirmation that nobody may guess at any more."""
    if confirmation is None or confirmation.phone_hmac != phone_hmac:
        raise UnknownConfirmation()
    if confirmation.used_at is not None:
        raise CodeUsed()
    if now >= confirmation.expires_at:
        raise CodeExpired()
    if confirmation.guesses >= GUESSES_MAX:
        raise TooManyGuesses()


def sendings(earlier: Sequence[datetime], *, now: datetime, most: int) -> tuple[datetime, ...]:
    """Return when the telephone was sent codes within the hour, this one included.

    Refuses one more than ``most``, with the seconds after which there is room again.
    """
    within = tuple(at for at in earlier if now - at < SENDING_WINDOW)
    if len(within) >= most:
        raise TooManyCodes(
            retry_after=1 + (min(within) + SENDING_WINDOW - now) // timedelta(seconds=1)
        )
    return (*within, now)
