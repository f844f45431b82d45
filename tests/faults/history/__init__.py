"""What clients asked and were told, and a checker that holds it against the databases.

`recording` writes down every exchange, `effects` says what a kind of request does and where that is
found in a database, `order` what the answers say of the order in which things happened, and `check`
compares. The databases and the ledger's journal are read directly, never through a service.
"""

from tests.faults.history.check import Verdict, check
from tests.faults.history.effects import found_in
from tests.faults.history.entries import Entry, History
from tests.faults.history.recording import GaveUp, Manners, recording_services

__all__ = [
    "Entry",
    "GaveUp",
    "History",
    "Manners",
    "Verdict",
    "check",
    "found_in",
    "recording_services",
]
