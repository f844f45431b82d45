"""``python -m services.volunteers`` runs the worker."""

from services.volunteers.worker import create_worker
from shared.worker import run_worker

raise SystemExit(run_worker(create_worker))
