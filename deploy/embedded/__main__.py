"""`python -m deploy.embedded run|stop|status|token`: the system, kept up for people."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.table import Table

from deploy.embedded import sample_people
from deploy.embedded.jars import JarsUnavailable
from deploy.embedded.local_server import ServerDidNotStart
from deploy.embedded.supervision import SupervisorDidNotStart
from deploy.embedded.system import CODE, AlreadyRunning, System, SystemNotReady

DATA_DIR = Path(".data") / "run"
LOOK_EVERY_S = 1.0
BOOTSTRAP_TIMEOUT_S = 120

console = Console()


class BootstrapFailed(Exception):
    """The district, its book or its first administrator could not be made."""


def keep_up(system: System) -> int:
    """Start the system, tell how to reach it, and keep it up until we are told to stop."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    started = time.monotonic()
    try:
        _start(system)
        _tell(system, seconds=time.monotonic() - started)
        _watch(system)
    except KeyboardInterrupt:
        return 0
    finally:
        # Once stopping has begun, an impatient second Ctrl-C must not leave half of it running.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        console.print("停止中 / stopping: services, broker, database …")
        system.stop()
        console.print("已停止，数据保留 / stopped; the data stays in", str(system.data_dir))


def stop(system: System) -> int:
    """Stop a system that another process keeps up, or that was left behind."""
    if not system.running:
        console.print("没有在运行 / nothing is running in", str(system.data_dir))
        return 0
    system.stop()
    return 0


def status(system: System) -> int:
    """Show every process and whether it is ready; return 1 where nothing runs."""
    if not system.running:
        console.print("没有在运行 / nothing is running in", str(system.data_dir))
        return 1
    processes = system.processes()
    table = Table("process", "state", "pid", "ready")
    for name, state in sorted(system.supervisor.states().items()):
        ready = "" if name in ("mongo", "kafka") else "yes" if system.ready(name) else "no"
        table.add_row(name, state.lower(), str(processes.get(name, "")), ready)
    console.print(table)
    return 0


def _start(system: System) -> None:
    console.print("启动服务器 / starting the servers …")
    system.start_servers()
    _bootstrap_once(system)
    system.start_services()
    system.wait_ready()
    _let_sample_people_in_once(system)


def _let_sample_people_in_once(system: System) -> None:
    done = system.data_dir / "sample-people"
    if not done.exists():
        sample_people.let_in(system.urls)
        done.touch()


def _bootstrap_once(system: System) -> None:
    done = system.data_dir / "bootstrapped"
    if done.exists():
        return
    console.print("建立区、账本与首位管理员 / making the district, its book and administrator …")
    made = subprocess.run(
        [
            *(sys.executable, "-m", "deploy.bootstrap"),
            *("--district", sample_people.DISTRICT, "--admin-phone", sample_people.ADMIN_PHONE),
        ],
        cwd=CODE,
        env=system.command_environment(),
        check=False,
        timeout=BOOTSTRAP_TIMEOUT_S,
    )
    if made.returncode != 0:
        raise BootstrapFailed(f"deploy.bootstrap ended with {made.returncode}, see above")
    done.touch()


def _tell(system: System, *, seconds: float) -> None:
    table = Table(title=f"贡享 Gongxiang · {seconds:.0f} s", title_justify="left")
    table.add_column("service")
    table.add_column("address", no_wrap=True)
    for service, url in system.urls.items():
        table.add_row(service, url)
    console.print(table)
    people = Table(title="试用账号 sample logins", title_justify="left")
    for column in ("role", "角色", "phone", "an access token for half an hour"):
        people.add_column(column, no_wrap=True)
    for person in sample_people.SAMPLE_PEOPLE:
        people.add_row(person.role, person.title, person.phone, f"make token ROLE={person.role}")
    console.print(people)
    console.print(
        "登录 / sign in: POST /v1/phone-confirmations shows the code, POST /v1/sessions takes it"
    )
    console.print("Ctrl-C 停止 / stops it; logs in", str(system.data_dir / "logs"))


def _watch(system: System) -> NoReturn:
    processes = system.processes()
    while True:
        time.sleep(LOOK_EVERY_S)
        if system.running:
            processes = system.processes()
        else:
            # Supervisor restarts all others; it has only us.
            console.print("supervisor 已退出，重新启动 / supervisor is gone: starting anew …")
            system.end_orphans(processes)
            _start(system)


def main() -> int:
    """Do what the command line says; a refusal is one clear message and status 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("command", choices=("run", "stop", "status", "token"))
    parser.add_argument("--role", choices=[who.role for who in sample_people.SAMPLE_PEOPLE])
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    arguments = parser.parse_args()
    system = System(arguments.data_dir)
    try:
        match arguments.command:
            case "run":
                if system.running:
                    raise AlreadyRunning(f"already running in {system.data_dir}: make stop ends it")
                return keep_up(system)
            case "stop":
                return stop(system)
            case "token":
                print(sample_people.access_token(system.urls, arguments.role or "volunteer"))
                return 0
            case _:
                return status(system)
    except (
        *(AlreadyRunning, BootstrapFailed, JarsUnavailable),
        *(ServerDidNotStart, SupervisorDidNotStart, SystemNotReady),
    ) as refusal:
        print(f"gongxiang: {refusal}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
