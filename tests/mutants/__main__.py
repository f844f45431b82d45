"""``make mutants``: seed each bug on a copy and show which test catches it."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tests.mutants.mutant import ROOT, Mutant, copy_project, seeded
from tests.mutants.trial import Caught, TrialBroken, first_failure, try_out

REPORT = ROOT / ".data" / "mutants" / "report.json"

UNCHANGED_S_MAX = 900.0

console = Console()


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all mutants, or those whose name has a text in it; 0 where each is caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="a part of the names to try")
    parser.add_argument("--jobs", type=int, default=2, help="how many at once (default 2)")
    asked = parser.parse_args(arguments)
    mutants = [mutant for mutant in seeded() if asked.only in mutant.name]
    with tempfile.TemporaryDirectory(prefix="gongxiang-mutants-") as workshop:
        results = _try_all(mutants, Path(workshop), jobs=asked.jobs)
    _show(results)
    if not asked.only:
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        rows = {"mutants": [result.row() for result in results]}
        REPORT.write_text(json.dumps(rows, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        console.print(f"报告 report: {REPORT.relative_to(ROOT)}")
    return 0 if results and all(result.caught_by for result in results) else 1


def _try_all(mutants: Sequence[Mutant], workshop: Path, *, jobs: int) -> list[Caught]:
    with Progress(console=console) as bar, ThreadPoolExecutor(jobs) as pool:
        task = bar.add_task("植入错误 seeding bugs", total=len(mutants) + 1)
        _must_pass_unchanged(mutants, workshop)
        bar.advance(task)
        futures = {pool.submit(try_out, mutant, workshop): mutant for mutant in mutants}
        done: dict[str, Caught] = {}
        for future in as_completed(futures):
            caught = future.result()
            done[caught.mutant.name] = caught
            bar.advance(task)
    return [done[mutant.name] for mutant in mutants]


def _must_pass_unchanged(mutants: Sequence[Mutant], workshop: Path) -> None:
    """Run all the named tests on a copy without a bug: a test that always fails catches nothing."""
    copy = workshop / "unchanged"
    copy_project(copy)
    asked = tuple(sorted({test for mutant in mutants for test in mutant.tests}))
    if failed := first_failure(copy, asked, seconds=UNCHANGED_S_MAX):
        raise TrialBroken(f"{failed} fails without any bug")


def _show(results: Sequence[Caught]) -> None:
    caught = sum(result.caught_by is not None for result in results)
    table = Table(title=f"植入的错误 · Seeded bugs: {caught}/{len(results)} 被发现 caught")
    table.add_column("错误 bug", max_width=34)
    table.add_column("代价 what it would cost people", max_width=52)
    table.add_column("发现者 caught by", overflow="fold")
    table.add_column("秒 s", justify="right")
    for result in results:
        by = result.caught_by or "[bold red]存活 lives[/]"
        table.add_row(result.mutant.name, result.mutant.cost, by, f"{result.seconds:.1f}")
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
