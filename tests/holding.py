"""A contended thing that somebody else holds for as long as a test likes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.mongo import ServiceDatabase, UnitOfWork


@contextmanager
def held(database: ServiceDatabase, name: str) -> Iterator[None]:
    """Let another thread stand at the front of the line while what is inside runs."""
    inside, over = threading.Event(), threading.Event()

    def stay(_work: UnitOfWork) -> None:
        inside.set()
        over.wait()

    holder = threading.Thread(target=lambda: database.unit_of_work(stay, holding=name))
    holder.start()
    try:
        assert inside.wait(10)
        yield
    finally:
        over.set()
        holder.join()
