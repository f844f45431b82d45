"""`python -m deploy.demo`: play a district's day, audit it, say what happened, stop everything."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
from pathlib import Path

from rich.console import Console

from deploy.audit import audit
from deploy.audit.screen import progress
from deploy.demo import day, merchants, report, tables
from deploy.demo.acknowledged import Acknowledged
from deploy.demo.client import Broken, Refused, Services
from deploy.demo.crew import Crew
from deploy.demo.day_clock import DayClock
from deploy.demo.plan.errands import NobodyToPlay
from deploy.demo.plan.minimums import shortfalls
from deploy.demo.plan.people import VOLUNTEERS_MIN
from deploy.demo.scene import Scene
from deploy.demo.stage import ADMIN_PHONE, BootstrapFailed, NotOurs, stage
from deploy.demo.tally import NotAsPlanned, Tally
from deploy.embedded.jars import JarsUnavailable
from deploy.embedded.local_server import ServerDidNotStart
from deploy.embedded.supervision import SupervisorDidNotStart
from deploy.embedded.system import AlreadyRunning, System, SystemNotReady
from shared import clock

DATA_DIR = Path(".data") / "demo"
REPORT = "report.json"
VOLUNTEERS = 300
SEED = 430_211
INTERRUPTED = 130

NOT_STARTED = (
    *(AlreadyRunning, BootstrapFailed, JarsUnavailable, NotOurs),
    *(ServerDidNotStart, SupervisorDidNotStart, SystemNotReady),
)
GONE_WRONG = (Broken, NobodyToPlay, NotAsPlanned, Refused)

WIDTH = 110
"""Of what is printed into a file or a pipe."""

console = Console(width=None if sys.stdout.isatty() else WIDTH)


def main() -> int:
    """Play the day; return 0 only if it had all that a day must have and the audit holds."""
    asked = _arguments()
    # What ends us ends everything: the same way out as Ctrl-C, through the stage's own stop.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    began = clock.monotonic()
    try:
        with stage(asked.data_dir, console) as system:
            return _play(asked, system, began)
    except NOT_STARTED as refusal:
        print(f"gongxiang: {refusal}", file=sys.stderr)
        return 1
    except GONE_WRONG as trouble:
        print(f"gongxiang: {type(trouble).__name__}: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        console.print("已中止，全部停止 · Stopped on request; nothing runs any more")
        return INTERRUPTED


def _play(asked: argparse.Namespace, system: System, began: float) -> int:
    over = threading.Event()
    crew = Crew(console, over=over)
    told = Acknowledged()
    scene = Scene(
        services=Services.at(system.urls, over=over, told=told),
        crew=crew,
        clock=DayClock(system.clock_offset_file),
        tally=Tally(),
        rng=random.Random(asked.seed),
    )
    try:
        played = day.play(
            scene, volunteers=asked.volunteers, file=asked.activities, admin_phone=ADMIN_PHONE
        )
        crew.doing = "排空与审计 · Everything drains and is audited"
        with progress() as step:
            audited = audit(
                system.mongo_uri,
                system.kafka_bootstrap,
                database_prefix=report.PREFIX,
                told=told.answers,
                step=step,
            )
        settled = merchants.settlement_lines(scene, played.market, months=played.months)
    except Exception:
        console.print(f"[red]失败于 · Failed at:[/] {crew.doing}")
        raise
    finally:
        crew.close()
    figures = report.build(
        volunteers=asked.volunteers,
        published=played.published,
        tally=scene.tally,
        held=report.Held.in_databases(system.mongo_uri),
        audit=audited.as_dict(),
        seconds=clock.monotonic() - began,
    )
    path = asked.data_dir / REPORT
    report.write(figures, path)
    tables.show(console, figures, scene.tally.refused)
    tables.show_settlement(console, settled)
    if asked.keep:
        _keep(system)
    return _verdict(asked, figures, scene.tally, played.sign_ups_possible, audited.as_dict())


def _verdict(
    asked: argparse.Namespace,
    figures: report.Report,
    tally: Tally,
    sign_ups_possible: int,
    audited: report.Report,
) -> int:
    # A file may offer fewer places than so many people need: then the day is as large as the file.
    size = min(asked.volunteers, sign_ups_possible) if asked.activities else asked.volunteers
    short = shortfalls(figures, tally.refused, volunteers=size)
    for words in short:
        console.print(f"[red]✗[/] {words}")
    for invariant in audited["invariants"]:
        for finding in invariant["findings"]:
            console.print(f"✗ {invariant['name']}: {finding}", style="red", markup=False)
    console.print(f"{asked.data_dir / REPORT} · {figures['seconds']} s")
    return 0 if figures["audit"]["holds"] and not short else 1


def _keep(system: System) -> None:
    for name, url in system.urls.items():
        console.print(f"{name:<12}{url}/docs")
    console.print("Ctrl-C 停止 · stops it")
    try:
        while True:
            clock.sleep(3600)
    except KeyboardInterrupt:
        return


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.demo", description=__doc__)
    parser.add_argument("--volunteers", type=_volunteers, default=VOLUNTEERS)
    parser.add_argument("--activities", type=_file, metavar="CSV", help="publish from this file")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--seed", type=int, default=SEED, help="the same seed, the same plan")
    parser.add_argument("--keep", action="store_true", help="keep the system up until Ctrl-C")
    return parser.parse_args()


def _volunteers(text: str) -> int:
    count = int(text)
    if count < VOLUNTEERS_MIN:
        raise argparse.ArgumentTypeError(f"{VOLUNTEERS_MIN} or more: a day has so many parts")
    return count


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{text}: no such file")
    return path


if __name__ == "__main__":
    sys.exit(main())
