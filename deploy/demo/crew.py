"""The people at work at the same time: a few threads, and a bar for every step they take."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress

from deploy.demo.bars import bars

CLIENTS = 8
"""More add nothing: the embedded database is one core."""
CALM_CLIENTS = 2
"""So many leave the system about two thirds of its time; latencies are measured at this load."""

Thing = TypeVar("Thing")
Result = TypeVar("Result")


class Crew:
    """Does many things at once and shows how far they are."""

    def __init__(self, console: Console, *, over: threading.Event) -> None:
        self._console = console
        self._over = over
        self.doing = ""
        """The step that goes on, or went wrong."""
        self._pool = ThreadPoolExecutor(CLIENTS, thread_name_prefix="client")

    def each(
        self,
        title: str,
        things: Iterable[Thing],
        do: Callable[[Thing], Result],
        *,
        clients: int = CLIENTS,
    ) -> list[Result]:
        """Do one thing after the other, so many at a time; return the results in their order.

        The first thing that fails ends the step; those not begun are left.
        """
        with self.step(title) as step:
            return step.each(things, do, clients=clients)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a bar for what is done inside; a step may do things in several goes."""
        self.doing = title
        with bars(self._console) as progress:
            yield Step(self._pool, progress, title)

    def at_once(self, jobs: Sequence[Callable[[], Result]]) -> list[Result]:
        """Let everybody wait at a line and start at the same moment; at most one job a client."""
        line = threading.Barrier(len(jobs))

        def start(job: Callable[[], Result]) -> Result:
            line.wait(timeout=30)
            return job()

        return _results([self._pool.submit(start, job) for job in jobs])

    def close(self) -> None:
        """Let go of what has not begun; who waits for a service gives up."""
        self._over.set()
        self._pool.shutdown(wait=False, cancel_futures=True)


class Step:
    """One bar."""

    def __init__(self, pool: ThreadPoolExecutor, progress: Progress, title: str) -> None:
        self._pool = pool
        self._progress = progress
        self._task = progress.add_task(title, total=0)
        self._total = 0

    def expect(self, things: int) -> None:
        """Make the bar so much longer, before it is known what the things are."""
        self._total += things
        self._progress.update(self._task, total=self._total)

    def reached(self, done: int, of: int) -> None:
        """Show how far something is that goes on elsewhere."""
        self._progress.update(self._task, completed=done, total=of)

    def alone(self, do: Callable[[], object]) -> None:
        """Do one thing, and nothing else meanwhile."""
        do()
        self._progress.advance(self._task)

    def each(
        self,
        things: Iterable[Thing],
        do: Callable[[Thing], Result],
        *,
        clients: int = CLIENTS,
        expected: bool = False,
    ) -> list[Result]:
        """Do the things, so many at a time, and return the results in their order."""
        all_things = list(things)
        if not expected:
            self.expect(len(all_things))
        turn = threading.Semaphore(clients)

        def one(thing: Thing) -> Result:
            with turn:
                result = do(thing)
            self._progress.advance(self._task)
            return result

        return _results([self._pool.submit(one, thing) for thing in all_things])


def _results(futures: Sequence[Future[Result]]) -> list[Result]:
    done, waiting = wait(futures, return_when=FIRST_EXCEPTION)
    for future in waiting:
        future.cancel()
    for future in done:
        future.result()
    return [future.result() for future in futures]
