"""``python -m services.store`` runs the store's worker."""

from services.store.worker import create_worker
from shared.worker import run_worker

raise SystemExit(run_worker(create_worker))
