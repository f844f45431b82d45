"""`python -m tests.faults.crash_points`: every time of every effect, before and after.

One house after the other, each for some days, until every point was met or none is met any more.
The report is `.data/crashes/report.json`; what was not met is named there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.demo.client import Broken, Refused
from deploy.embedded.servers import KafkaServer, MongoServer
from shared import clock
from tests.faults.crash_points.plan import Plan
from tests.faults.crash_points.run import Run, every_number, missing_kinds, running

REPORT = Path(".data") / "crashes" / "report.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; return 0 only if nothing was found and every kind of effect was there."""
    asked = _parser().parse_args(arguments)
    began = clock.monotonic()
    with tempfile.TemporaryDirectory(prefix="gongxiang-crashes-") as directory:
        mongo, kafka = MongoServer(), KafkaServer(Path(directory) / "kafka")
        mongo.start()
        kafka.start()
        try:
            report = _all(mongo, kafka, Path(directory), asked)
        finally:
            kafka.stop()
            mongo.stop()
    report["seconds"] = round(clock.monotonic() - began)
    asked.json.parent.mkdir(parents=True, exist_ok=True)
    asked.json.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    _show(report)
    return 1 if report["findings"] or report["missing_kinds"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.crash_points", description=__doc__
    )
    parser.add_argument("--times", type=int, default=10, help="of an effect on one day, at most")
    parser.add_argument("--days", type=int, default=3, help="in one house, between two audits")
    parser.add_argument("--minutes", type=float, default=60, help="no new house after these")
    parser.add_argument("--json", type=Path, default=REPORT)
    return parser


def _all(
    mongo: MongoServer, kafka: KafkaServer, directory: Path, asked: argparse.Namespace
) -> dict[str, Any]:
    plan, findings = Plan(), []
    deadline = clock.monotonic() + asked.minutes * 60
    with running(mongo, kafka, directory, plan) as run:
        run.begin()
        run.live_a_day()
        findings += run.findings()
    points = every_number(plan, asked.times)
    listed = dict(plan.listed)
    plan.meet(points)
    crashes = houses = days = 0
    with _progress() as bar:
        task = bar.add_task("崩溃点 crash points", total=len(points))
        met = -1
        while plan.open and len(plan.met) > met and clock.monotonic() < deadline:
            met = len(plan.met)
            plan.go_on()
            with running(mongo, kafka, directory, plan) as run:
                findings += _lived(run, asked.days, partial(bar.update, task))
                crashes, days = crashes + run.house.crashes, days + run.days
            houses += 1
    return {
        "effects": len(listed),
        "kinds": dict(Counter(effect.kind for effect in listed)),
        "missing_kinds": missing_kinds(listed),
        "points": len(points),
        "met": len(plan.met),
        "crashes": crashes,
        "houses": houses,
        "days": days,
        "findings": findings,
        "not_met": [str(point) for point in sorted(plan.open)],
    }


def _lived(run: Run, days: int, show: Callable[..., None]) -> list[str]:
    """Live some days in one house; return what is not as it should be."""
    try:
        run.begin()
        for _ in range(days):
            run.live_a_day()
            show(completed=len(run.plan.met))
        return run.findings()
    except (AssertionError, Broken, Refused) as error:
        latest = "; ".join(str(point) for point in run.plan.met[-5:])
        return [f"{type(error).__name__}: {error}, after the crashes {latest}"]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )


def _show(report: dict[str, Any]) -> None:
    table = Table(title="崩溃点 · Crash points")
    table.add_column("")
    table.add_column("", justify="right")
    for name in ("effects", "points", "met", "crashes", "houses", "days", "seconds"):
        table.add_row(name, str(report[name]))
    table.add_row("not met", str(len(report["not_met"])))
    table.add_row("findings", str(len(report["findings"])))
    console = Console()
    console.print(table)
    for finding in report["findings"]:
        console.print(finding, style="red")


if __name__ == "__main__":
    sys.exit(main())
