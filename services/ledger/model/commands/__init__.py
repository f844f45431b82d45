"""What can be asked of a book. A command names its fact; asked again it is the same fact.

``id`` is the message or request that asks, ``source`` who tells; neither is part of the content,
so the digest of a fact is the same whoever tells it and however often.
"""

from services.ledger.model.commands.command import AMOUNT_MAX, Command, NotUnderstood
from services.ledger.model.commands.earn import CREDIT, HONORARY, VERSION_MAX, Earn, earn_fact
from services.ledger.model.commands.open import Open
from services.ledger.model.commands.order import (
    CAPTURED,
    RELEASED,
    Capture,
    End,
    Hold,
    Release,
    UnknownHold,
    end_fact,
    hold_fact,
)

__all__ = [
    "AMOUNT_MAX",
    "CAPTURED",
    "CREDIT",
    "HONORARY",
    "RELEASED",
    "VERSION_MAX",
    "Capture",
    "Command",
    "Earn",
    "End",
    "Hold",
    "NotUnderstood",
    "Open",
    "Release",
    "UnknownHold",
    "earn_fact",
    "end_fact",
    "hold_fact",
]
