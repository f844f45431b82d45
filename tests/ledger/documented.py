"""The examples of ``docs/ledger.md``, made by the book itself.

``python -m tests.ledger.documented`` writes them into the document anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.ledger.bookkeeper import SPRING, Bookkeeper, earn, hold

DOCUMENT = Path(__file__).parents[2] / "docs" / "ledger.md"
BLOCK = re.compile(r"(?<=<!-- posting (\d) -->\n```json\n)(.*?)(?=\n```)", re.DOTALL)
RECORD = "01JZ8V6S0Q9K3E5T7W1X4Y2B6C"
ORDER = "01JZ8W2D4F6H8K1M3P5R7T9V0X"
VOLUNTEER = "01JZ8T0A2C4E6G8J1K3M5N7Q9S"


def examples() -> list[Mapping[str, Any]]:
    """Return the first three postings of a book: opened, ninety minutes earned, a hold refused."""
    keeper = Bookkeeper()
    keeper.now = SPRING + 90 * 60_000
    keeper.post(earn(RECORD, minutes=95, volunteer=VOLUNTEER))
    keeper.now += 3_600_000
    keeper.post(hold(ORDER, amount=200, volunteer=VOLUNTEER))
    return [posting.document for posting in keeper.journal]


def documented() -> list[dict[str, Any]]:
    """Return the postings that stand in the document."""
    return [json.loads(block) for _, block in BLOCK.findall(DOCUMENT.read_text("utf-8"))]


def written(document: str) -> str:
    """Return the document with its examples made anew."""
    made = examples()

    def block(found: re.Match[str]) -> str:
        return json.dumps(made[int(found[1]) - 1], ensure_ascii=False, indent=2)

    return BLOCK.sub(block, document)


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), "utf-8")
