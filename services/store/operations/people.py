"""Copies of volunteers: kept only to know who is frozen or closed."""

from __future__ import annotations

import logging

from services.store import repository
from shared.mongo import UnitOfWork

log = logging.getLogger(__name__)


def note_status(work: UnitOfWork, *, volunteer_id: str, status: str, version: int) -> None:
    """Take a person's status where it is newer than what is known."""
    if not repository.copy_status(work, person_id=volunteer_id, status=status, version=version):
        log.info("older than the copy", extra={"volunteer": volunteer_id, "version": version})
