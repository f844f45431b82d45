"""The loops of a worker: hear (poll → handle → commit), relay, sweep; and its clean stop."""

from shared.worker.dead_letters import DeadLetter
from shared.worker.handling import Hearer, Later, TransactionHearer, alone
from shared.worker.heard import Heard, Unheard, read
from shared.worker.process import Worker, run_worker

__all__ = [
    "DeadLetter",
    "Heard",
    "Hearer",
    "Later",
    "TransactionHearer",
    "Unheard",
    "Worker",
    "alone",
    "read",
    "run_worker",
]
