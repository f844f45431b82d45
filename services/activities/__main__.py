"""``python -m services.activities`` runs the worker of activities."""

from services.activities.worker import create_worker
from shared.worker import run_worker

raise SystemExit(run_worker(create_worker))
