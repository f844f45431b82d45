"""`python -m deploy.audit`: the invariants of a system that runs, or of a stopped one.

A stopped system's servers and workers are started for the audit, and stopped again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pymongo.errors import PyMongoError

from deploy import installation
from deploy.audit.report import Report
from deploy.audit.run import audit
from deploy.audit.screen import progress, show
from shared.kafka import BrokerTrouble
from shared.settings import Settings

if TYPE_CHECKING:
    from deploy.embedded.system import System

DATA_DIR = Path(".data") / "run"
WAIT_S = 60.0
INTERRUPTED = 130


class NothingToAudit(Exception):
    """There is no system where the command line says; the message says what would serve."""


@dataclass(frozen=True)
class Servers:
    """Where an installation's servers are."""

    mongo_uri: str
    kafka_bootstrap: str
    operator: Settings | None = None
    """As whom to ask them, where they want a user."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Audit what the command line names; return 0 only if every invariant holds."""
    asked = _parser().parse_args(arguments)
    try:
        told = _told(asked.told)
        with _servers(asked) as servers, progress() as step:
            own = servers.operator
            report = audit(
                servers.mongo_uri,
                servers.kafka_bootstrap,
                database_prefix=own.database_prefix if own else asked.database_prefix,
                wait_s=asked.wait,
                strict=asked.clean,
                told=told,
                expected_dead_letters=asked.expect_dead_letter,
                expected_alarms=asked.expect_alarm,
                time_zone=str(own.time_zone) if own else asked.time_zone,
                operator=own,
                step=step,
            )
    except (NothingToAudit, PyMongoError, BrokerTrouble) as trouble:
        print(f"gongxiang: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    _write(report, asked.json)
    show(report)
    return 0 if report.holds else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.audit", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--data-dir", type=Path, default=DATA_DIR, help="an embedded system's data")
    where.add_argument("--mongo-uri", help="the database of a system that runs elsewhere")
    where.add_argument(
        "--environment",
        action="store_true",
        help="servers and user as the settings in the environment name them",
    )
    parser.add_argument("--kafka", help="its broker, host:port")
    parser.add_argument("--database-prefix", default=Settings.database_prefix)
    parser.add_argument("--time-zone", default="Asia/Shanghai")
    parser.add_argument("--wait", type=float, default=WAIT_S, metavar="SECONDS")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there too")
    parser.add_argument("--told", type=Path, metavar="FILE", help="what clients were answered")
    parser.add_argument(
        "--clean",
        action="store_true",
        help="as after a demo: each invariant looked at something, no dead letter even if settled",
    )
    for what in ("dead-letter", "alarm"):
        parser.add_argument(f"--expect-{what}", action="append", default=[], metavar="NAME")
    return parser


@contextmanager
def _servers(asked: argparse.Namespace) -> Iterator[Servers]:
    if asked.environment:
        own = installation.common_settings(None, operator="audit")
        yield Servers(own.mongo_uri, own.kafka_bootstrap, own)
        return
    if asked.mongo_uri:
        if not asked.kafka:
            raise NothingToAudit("--mongo-uri needs --kafka: the audit reads both")
        yield Servers(asked.mongo_uri, asked.kafka)
        return
    if not asked.data_dir.is_dir():
        raise NothingToAudit(
            f"没有系统数据 / no system in {asked.data_dir}: `make run` or `make demo` makes one"
        )
    # Embedded only: a system elsewhere is audited without these packages.
    from deploy.embedded.local_server import ServerDidNotStart
    from deploy.embedded.supervision import SupervisorDidNotStart
    from deploy.embedded.system import AlreadyRunning, System, SystemNotReady

    system = System(asked.data_dir)
    if system.running:
        yield Servers(system.mongo_uri, system.kafka_bootstrap)
        return
    print("启动已停止的系统 / starting the stopped system …", file=sys.stderr)
    try:
        system.start_servers()
        system.start_services()
        system.wait_ready()
        yield Servers(system.mongo_uri, system.kafka_bootstrap)
    except AlreadyRunning as refusal:
        # Somebody else has just started it: it is theirs to stop.
        raise NothingToAudit(str(refusal)) from refusal
    except (ServerDidNotStart, SupervisorDidNotStart, SystemNotReady) as refusal:
        _stop(system)
        raise NothingToAudit(str(refusal)) from refusal
    except BaseException:
        _stop(system)
        raise
    else:
        _stop(system)


def _stop(system: System) -> None:
    print("停止 / stopping it again …", file=sys.stderr)
    system.stop()


def _told(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    try:
        return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise NothingToAudit(f"{path} is no file of JSON lines: {error}") from None


def _write(report: Report, path: Path | None) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report.as_dict(), ensure_ascii=False, indent=2) + "\n")
