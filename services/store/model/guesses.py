"""Guesses at voucher codes: how many wrong ones a person and a merchant may try in an hour.

A code has 80 bits, so nobody guesses one; the limit stops who tries all the same, and shows it.
The hours are real time. Two counters are kept, one per staff person of a merchant and one per
merchant, because a merchant's staff could be many.
"""

from __future__ import annotations

from datetime import datetime

from shared.errors import Refusal

WRONG_A_PERSON_MAX = 20
WRONG_A_MERCHANT_MAX = 60


class TooManyGuesses(Refusal):
    """So many wrong codes in this hour that no further one is looked at, right or wrong."""

    status = 429
    title = "错误券码次数过多，请稍后再试 · Too many wrong codes, try again later"


def counters_of(*, merchant_id: str, person_id: str, real_now: datetime) -> dict[str, int]:
    """Return the ids of the hour's counters, each with the most that it may hold."""
    hour = real_now.strftime("%Y-%m-%dT%H")
    return {
        f"{merchant_id}:{person_id}:{hour}": WRONG_A_PERSON_MAX,
        f"{merchant_id}:{hour}": WRONG_A_MERCHANT_MAX,
    }


def check_guesses(wrong: dict[str, int], most: dict[str, int], *, real_now: datetime) -> None:
    """Refuse to look at a code where a counter is full; ``wrong`` is what the counters hold."""
    if any(wrong.get(counter, 0) >= limit for counter, limit in most.items()):
        raise TooManyGuesses(retry_after=3600 - real_now.minute * 60 - real_now.second)
