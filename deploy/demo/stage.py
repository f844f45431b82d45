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
from types import TracebackType

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


class Stage:
    """Use as ``with Stage(...) as system``: whatever happens inside, no process stays behind."""

    def __init__(self, data_dir: Path, console: Console) -> None:
        self._data_dir = data_dir.resolve()
        self._console = console
        self._directory = emptied(self._data_dir)

    def __enter__(self) -> System:
        self._directory.__enter__()
        self.system = System(self._data_dir, settings=SETTINGS)
        try:
            with moving(self._console, "启动服务器 · Database and broker start"):
                self.system.start_servers()
            with moving(self._console, "建区、开账 · The district, its book, its administrator"):
                self._bootstrap()
            self._console.print("启动服务 · Web and workers of four services start")
            self.system.start_services()
            self.system.wait_ready()
        except BaseException:
            self._stop()
            raise
        return self.system

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception):
            self._console.print(self.log_tails(), markup=False, highlight=False)
        with moving(self._console, "停止 · Everything is stopped"):
            self._stop()

    def log_tails(self) -> str:
        """Return the last lines of every log that are more than a request's, each cut short."""
        tails = []
        for service in SERVICES:
            for name in (f"{service}-web", f"{service}-worker-0"):
                lines = self.system.supervisor.log_tail(name, LINES_READ).splitlines()
                telling = [line[:LINE_CHARS_MAX] for line in lines if not _everyday(line)]
                tails.append("\n".join([f"── {name}", *telling[-TAIL_LINES:]]))
        return "\n\n".join(tails)

    def _stop(self) -> None:
        # An impatient second Ctrl-C must not leave half of it running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.system.stop()
        self._directory.__exit__(None, None, None)

    def _bootstrap(self) -> None:
        made = subprocess.run(
            [
                *(sys.executable, "-m", "deploy.bootstrap"),
                *("--district", DISTRICT, "--admin-phone", ADMIN_PHONE),
            ],
            cwd=CODE,
            env=self.system.command_environment(),
            check=False,
            capture_output=True,
            text=True,
            timeout=BOOTSTRAP_TIMEOUT_S,
        )
        if made.returncode != 0:
            raise BootstrapFailed(f"deploy.bootstrap ended with {made.returncode}:\n{made.stderr}")


def _everyday(line: str) -> bool:
    return any(mark in line for mark in EVERYDAY)
