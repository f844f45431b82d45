"""Where the day is played: a system of its own in a fresh directory, started and stopped whole."""

from __future__ import annotations

import fcntl
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deploy.demo.bars import moving
from deploy.demo.data import DISTRICT
from deploy.embedded.system import CODE, SERVICES, System

ADMIN_PHONE = "19907320001"
BOOTSTRAP_TIMEOUT_S = 120
OURS = "gongxiang-demo"
"""This file marks a directory as one that the demo made and may delete."""
SETTINGS = {
    # A whole district's people come from one address here.
    "GONGXIANG_REQUESTS_A_MINUTE_ADDRESS": "60000",
    "GONGXIANG_REQUESTS_A_MINUTE": "6000",
}
TAIL_LINES, LINES_READ, LINE_CHARS_MAX = 10, 2000, 400
EVERYDAY = ('"level": "INFO"', '"logger": "kafka.')


class NotOurs(Exception):
    """The directory holds something that the demo did not make."""


class BootstrapFailed(Exception):
    """The district, its book or its first administrator could not be made."""


@contextmanager
def emptied(directory: Path) -> Iterator[None]:
    """Empty a directory that earlier demos made, and keep it from others for as long as we play."""
    mark = directory / OURS
    if directory.exists() and any(directory.iterdir()) and not mark.exists():
        raise NotOurs(f"{directory} holds something else: name another --data-dir")
    directory.mkdir(parents=True, exist_ok=True)
    with mark.open("a") as held:
        try:
            # Ends with this process, however it ends.
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise NotOurs(f"another demo plays in {directory}: name another --data-dir") from None
        if (directory / "supervisord.conf").exists():
            # A demo that was killed may have left its processes.
            System(directory).stop()
        for entry in directory.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry != mark:
                entry.unlink()
        yield


@contextmanager
def stage(data_dir: Path, console: Console) -> Iterator[System]:
    """Start a system in an emptied directory; whatever happens inside, no process stays behind."""
    directory = data_dir.resolve()
    with emptied(directory):
        system = System(directory, settings=SETTINGS)
        try:
            _start(system, console)
            yield system
        except Exception:
            console.print(log_tails(system), markup=False, highlight=False)
            raise
        finally:
            # An impatient second Ctrl-C must not leave half of it running.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            with moving(console, "停止 · Everything is stopped"):
                system.stop()


def log_tails(system: System) -> str:
    """Return the last lines of every log that are more than a request's, each cut short."""
    tails = []
    for service in SERVICES:
        for name in (f"{service}-web", f"{service}-worker-0"):
            lines = system.supervisor.log_tail(name, LINES_READ).splitlines()
            telling = [line[:LINE_CHARS_MAX] for line in lines if not _everyday(line)]
            tails.append("\n".join([f"── {name}", *telling[-TAIL_LINES:]]))
    return "\n\n".join(tails)


def _start(system: System, console: Console) -> None:
    with moving(console, "启动服务器 · Database and broker start"):
        system.start_servers()
    with moving(console, "建区、开账 · The district, its book, its administrator"):
        _bootstrap(system)
    console.print("启动服务 · Web and workers of four services start")
    system.start_services()
    system.wait_ready()


def _bootstrap(system: System) -> None:
    made = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.bootstrap"),
            *("--district", DISTRICT, "--admin-phone", ADMIN_PHONE),
        ],
        cwd=CODE,
        env=system.command_environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=BOOTSTRAP_TIMEOUT_S,
    )
    if made.returncode != 0:
        raise BootstrapFailed(f"deploy.bootstrap ended with {made.returncode}:\n{made.stderr}")


def _everyday(line: str) -> bool:
    return any(mark in line for mark in EVERYDAY)
