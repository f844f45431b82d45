"""The process file: what supervisor runs, restarts and logs, one program per process."""

from __future__ import annotations

import hashlib
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SERVICES_GROUP = "services"
STOP_WAIT_S = 6
# Unix sockets have short paths (108 bytes on Linux), data directories may be deep.
SOCKET_PATH_MAX = 100


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process: its command, where it runs, what it is told, which group it stops with."""

    name: str
    command: Sequence[str]
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None


def socket_path(data_dir: Path) -> Path:
    """Return where supervisor listens for this data directory: short, the same at every start."""
    digest = hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"gongxiang-{digest}.sock"
    if len(str(path)) > SOCKET_PATH_MAX:
        path = Path("/tmp") / path.name  # noqa: S108 - the socket is made for its owner only
    return path


def write(path: Path, programs: Sequence[Program], *, data_dir: Path) -> None:
    """Write the process file; nothing in it starts before it is asked to."""
    logs = data_dir / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    sections = [
        _section("unix_http_server", {"file": str(socket_path(data_dir)), "chmod": "0700"}),
        _section(
            "supervisord",
            {
                "logfile": str(logs / "supervisord.log"),
                "pidfile": str(data_dir / "supervisord.pid"),
                "childlogdir": str(logs),
                "nodaemon": "true",
                "loglevel": "info",
            },
        ),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        *(_program(program, logs) for program in programs),
    ]
    members = [program.name for program in programs if program.group == SERVICES_GROUP]
    if members:
        # One group, so that the services stop together, before the servers.
        sections.append(_section(f"group:{SERVICES_GROUP}", {"programs": ",".join(members)}))
    path.write_text("\n".join(sections))


def _program(program: Program, logs: Path) -> str:
    environment = ",".join(f'{key}="{value}"' for key, value in program.environment.items())
    return _section(
        f"program:{program.name}",
        {
            "command": shlex.join(program.command),
            "directory": str(program.directory),
            "environment": environment,
            "autostart": "false",
            "autorestart": "true",
            # After three deaths supervisor would give a process up; this one is worth more tries.
            "startsecs": "1",
            "startretries": "1000000",
            "stopwaitsecs": str(STOP_WAIT_S),
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(logs / f"{program.name}.log"),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": "1",
        },
    )


def _section(name: str, values: Mapping[str, str]) -> str:
    # Supervisor expands %(…)s, so a percent sign in a path must be doubled.
    lines = [f"{key} = {value.replace('%', '%%')}" for key, value in values.items() if value]
    return "\n".join([f"[{name}]", *lines, ""])
