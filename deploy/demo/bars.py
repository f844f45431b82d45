"""The bars that show how far a step is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def bars(console: Console) -> Progress:
    """Return a display of bars with a title, how much of how much is done, and the time."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


@contextmanager
def moving(console: Console, title: str) -> Iterator[None]:
    """Show a bar that moves for as long as something of unknown length takes."""
    with bars(console) as progress:
        task = progress.add_task(title, total=None)
        yield
        progress.update(task, completed=1, total=1)
