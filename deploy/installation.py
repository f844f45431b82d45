"""Which installation a command operates: the environment's, or an embedded one's by its directory.

A command that operates a service reads that service's settings as its worker does, but has a slot
of its own, so that it never ends a living process's transactions.
"""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Mapping
from pathlib import Path

from shared import settings
from shared.settings import Settings

SERVICES = ("volunteers", "activities", "ledger", "store")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command say which installation it means."""
    parser.add_argument(
        "--data-dir",
        type=Path,
        help="an embedded system's data, e.g. .data/run; without it, the environment says",
    )


def environment(data_dir: Path | None, service: str | None = None) -> Mapping[str, str]:
    """Return the settings of a service, or of all, as its processes find them."""
    if data_dir is None:
        return os.environ
    # Embedded only: elsewhere these packages are not installed.
    from deploy.embedded.system import System

    system = System(data_dir)
    own = system.environment(service) if service else system.operator_environment()
    return {**os.environ, **own}


def settings_of(service: str, data_dir: Path | None, *, operator: str) -> Settings:
    """Return a service's own settings, under a slot named for what operates it.

    Ends the process with one line where a setting is missing or wrong.
    """
    module = importlib.import_module(f"services.{service}.settings")
    kind: type[Settings] = getattr(module, f"{service.capitalize()}Settings")
    own = {"GONGXIANG_SLOT": f"{service}-{operator}", "GONGXIANG_METRICS_PORT": "0"}
    return settings.load(kind, {**environment(data_dir, service), **own})


def common_settings(data_dir: Path | None, *, operator: str) -> Settings:
    """Return the settings that all services share."""
    own = {"GONGXIANG_SLOT": operator, "GONGXIANG_METRICS_PORT": "0"}
    return settings.load(Settings, {**environment(data_dir), **own})
