"""What a person sees of an audit: bars while it goes on, one table at its end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.audit.report import TITLES, Report
from deploy.audit.sources import Step, in_silence

FINDINGS_SHOWN = 5


@contextmanager
def progress() -> Iterator[Step]:
    """Show what is read and how far; nothing where ``rich`` is not installed (production)."""
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed
    except ImportError:
        yield in_silence
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Elapsed(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("审计 audit", total=None)

        def step(what: str, done: int, of: int) -> None:
            bar.update(task, description=f"审计 audit · {what}", completed=done, total=of or None)

        yield step


def show(report: Report) -> None:
    """Print the invariants, Chinese first, and what was found wrong."""
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        _show_plainly(report)
        return
    table = Table(title="审计 Audit", title_justify="left")
    for column in ("", "不变式", "Invariant", "查验 looked at", "结果"):
        table.add_column(column, justify="right" if "looked" in column else "left")
    for number, invariant in enumerate(report.invariants, start=1):
        chinese, english = TITLES[invariant.name]
        outcome = "[green]成立 holds" if invariant.holds else f"[red]不成立 {invariant.wrong} wrong"
        if not invariant.holds and not invariant.wrong:
            outcome = "[red]未查验 looked at nothing"
        table.add_row(str(number), chinese, english, f"{invariant.checked:,}", outcome)
    console = Console(file=sys.stdout)
    console.print(table)
    for line in _remarks(report):
        console.print(line, markup=False, highlight=False)


def _show_plainly(report: Report) -> None:
    for number, invariant in enumerate(report.invariants, start=1):
        chinese, english = TITLES[invariant.name]
        outcome = "holds" if invariant.holds else "DOES NOT HOLD"
        print(f"{number:2} {chinese} · {english}: {outcome}, looked at {invariant.checked}")
    for line in _remarks(report):
        print(line)


def _remarks(report: Report) -> Iterator[str]:
    for invariant in report.invariants:
        for finding in invariant.findings[:FINDINGS_SHOWN]:
            yield f"{invariant.name}: {finding}"
        if invariant.wrong > FINDINGS_SHOWN:
            yield f"{invariant.name}: … {invariant.wrong} in all (--json shows more)"
    for book in report.empty:
        yield f"账册 {book} 只有开账 / book {book} is empty: nothing but its opening"
    verdict = "全部成立 / all hold" if report.holds else "有不成立者 / not all hold"
    yield f"{verdict} · 等待 waited {report.waited_s:.1f} s · 共 in all {report.seconds:.1f} s"
