"""``python -m tests.faults``: many kills under load, resumable; its report and its document."""

from __future__ import annotations

import argparse
import json
import random
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.faults import document
from tests.faults.campaign import Campaign
from tests.faults.report import Stretch

DATA_DIR = Path(".data/faults")


def main() -> int:
    """Run, or write the document of the last run; 0 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="how many processes to kill")
    parser.add_argument("--seed", default="", help="replay a run, or go on with it")
    parser.add_argument(
        "--document", action="store_true", help="write the last report into docs/reliability.md"
    )
    asked = parser.parse_args()
    if asked.document:
        document.write(json.loads((DATA_DIR / "report.json").read_text()))
        return 0
    return run(asked.kills, asked.seed or str(random.SystemRandom().randrange(10**6)))


def run(kills: int, seed: str) -> int:
    """Kill under load until all are killed, showing how far it is."""
    campaign = Campaign(DATA_DIR, seed=seed, kills=kills)
    console = Console(stderr=True)
    console.print(
        f"种子 seed [bold]{seed}[/]: make faults KILLS={kills} SEED={seed} "
        f"goes on after {campaign.killed} kills"
    )
    columns = (
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(TimeElapsedColumn(), TextColumn("{task.fields[last]}")),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("强杀 kills", total=kills, completed=campaign.killed, last="")

        def shown(stretch: Stretch) -> None:
            last = f"recovery {stretch.recovery_s[-1]:.1f} s" if stretch.recovery_s else ""
            progress.update(bar, completed=campaign.killed + stretch.kills, last=last)

        clean = campaign.run(shown)
    for stretch in campaign.stretches:
        for kind, found in stretch.findings.items():
            for finding in found:
                console.print(f"[red]{stretch.seed} {kind}[/]: {finding}", highlight=False)
    console.print(f"{DATA_DIR}/report.json")
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
