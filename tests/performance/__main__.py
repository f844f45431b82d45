"""``python -m tests.performance``: measure rows, print the table, write the report.

python -m tests.performance                    all rows but those outside the default
python -m tests.performance --rows 1,2         these rows alone, and no curve
python -m tests.performance --small            just enough to show that the rows run
python -m tests.performance document           make docs/performance.* from the last report
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from shared import clock
from tests.performance import measuring, report
from tests.performance.row import NotSound, Row, Size
from tests.performance.rows import all_curves, all_rows
from tests.performance.stage import Servers


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names; not 0 where an invariant broke or a row is not there."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["measure", "document"], default="measure")
    parser.add_argument("--rows", default="", help="numbers of rows, with commas between")
    parser.add_argument("--curves", action="store_true", help="with --rows: the curves as well")
    parser.add_argument("--small", action="store_true", help="small sizes, on kept servers")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--report", type=Path, default=report.REPORT)
    asked = parser.parse_args(arguments)
    if asked.command == "document":
        return document(asked.report)
    rows = _chosen(asked.rows)
    if not rows:
        print(f"没有这些行 / no such rows: {asked.rows}", file=sys.stderr)
        return 2
    curves = [] if asked.rows and not asked.curves else [c for c in all_curves() if c.by_default]
    console = Console()
    servers = Servers(kept=asked.small)
    size = Size(small=asked.small)
    entries: list[dict[str, Any]] = []
    drawn: list[dict[str, Any]] = []
    began = clock.monotonic()
    command = " ".join(["make bench", *([f"ROWS={asked.rows}"] if asked.rows else [])])

    def keep() -> None:
        # After each row, so that a run that is ended early has told what it knows.
        seconds = clock.monotonic() - began
        report.write(asked.report, entries, drawn, seconds=seconds, command=command)

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=None)
            common = {"size": size, "repetitions": asked.repetitions}

            def progress(text: str) -> None:
                bar.update(task, description=f"{len(entries)}/{len(rows)} {text}")

            for row in rows:
                entries += measuring.measure(row, servers, progress=progress, **common)
                keep()
            for curve in curves:
                drawn.append(measuring.draw(curve, servers, progress=progress, **common))
                keep()
    except NotSound as why:
        print(f"不变量被破坏 / not sound: {why}", file=sys.stderr)
        return 1
    finally:
        servers.close()
    console.print(report.table(entries))
    console.print(f"{asked.report}")
    return 0


def document(path: Path) -> int:
    """Make the documentation's table and picture from a report."""
    from tests.performance import picture  # matplotlib takes its time, and is needed here alone

    found = json.loads(path.read_text())
    report.KEPT.write_text(path.read_text())
    report.PAGE.write_text(report.page(report.PAGE.read_text(), found))
    if found["curves"]:
        picture.draw(found, report.PAGE.with_suffix(".svg"))
    return 0


def _chosen(numbers: str) -> list[Row]:
    if not numbers:
        return [row for row in all_rows() if row.by_default]
    wanted = {int(number) for number in numbers.split(",")}
    return [row for row in all_rows() if row.number in wanted]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
