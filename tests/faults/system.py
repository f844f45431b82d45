"""A whole system with its data on disk, and Tianyuan district set up."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy.embedded.system import System
from tests.journeys.house import bootstrap
from tests.journeys.town import DISTRICT

ADMIN_PHONE = "13700000001"
NOT_IN_CI = pytest.mark.skipif(
    bool(os.environ.get("CI")), reason="CI has half an hour for everything: see make test elsewhere"
)
"""For what takes minutes of a machine of CI's size, and is proved wherever else the suite runs."""
READY_WITHIN_S = 180.0
"""Many processes start at once here, beside whatever else the machine is at."""
SETTINGS = {
    "GONGXIANG_REQUESTS_A_MINUTE": "0",
    "GONGXIANG_REQUESTS_A_MINUTE_ADDRESS": "0",
    "GONGXIANG_TOPIC_PARTITIONS": "4",
}


def started(
    data_dir: Path,
    *,
    workers_per_service: int = 1,
    settings: Mapping[str, str] | None = None,
) -> System:
    """Return a whole system that serves; ``settings`` beside those of all tests here."""
    system = System(
        data_dir,
        workers_per_service=workers_per_service,
        settings={**SETTINGS, **(settings or {})},
    )
    system.start_servers()
    try:
        bootstrap(system.operator_environment(), district=DISTRICT, admin_phone=ADMIN_PHONE)
        system.start_services()
        system.wait_ready(READY_WITHIN_S)
    except BaseException:
        # Nobody else knows of it: what goes on running would slow down all that comes after.
        system.stop()
        raise
    return system


@contextlib.contextmanager
def stopped(system: System, *names: str) -> Iterator[None]:
    """Stop programs (SIGSTOP) within; they are woken at the end, however that comes."""
    pids = [system.processes()[name] for name in names]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def halted(system: System, *names: str) -> Iterator[None]:
    """End programs within in good order; they are started at the end, however that comes."""
    with contextlib.ExitStack() as stack:
        for name in names:
            system.halt(name)
            stack.callback(system.start, name)
        yield
