"""docker-compose.yml as a Docker engine would read it: merged, and with its variables put in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from deploy.installation import SERVICES

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "deploy" / "compose.env.example"
VARIABLE = re.compile(r"\$\$|\$\{([A-Z0-9_]+)(?::-([^}]*))?\}")
SET = {"GONGXIANG_SMS_WEBHOOK_URL": "https://sms.example.org/send"}


def variables() -> list[tuple[str, str]]:
    """Return each variable that the file leaves open, with its default there."""
    found = VARIABLE.findall(COMPOSE.read_text())
    return [(name, default) for name, default in found if name]


def _put(value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _put(one, environ) for key, one in value.items()}
    if isinstance(value, list):
        return [_put(one, environ) for one in value]
    if isinstance(value, str):
        return VARIABLE.sub(
            lambda match: environ.get(match[1]) or match[2] or "" if match[1] else "$", value
        )
    return value


@dataclass(frozen=True)
class Container:
    """One service of the file."""

    name: str
    body: Mapping[str, Any]

    @property
    def ours(self) -> bool:
        return self.body["image"].startswith("gongxiang:")

    @property
    def owner(self) -> str | None:
        """The service of ours whose process it is; None for what all have in common."""
        head, _, role = self.name.rpartition("-")
        return head if role in ("web", "worker") and head in SERVICES else None

    @property
    def environment(self) -> dict[str, str]:
        return dict(self.body.get("environment", {}))

    @property
    def secrets(self) -> set[str]:
        return set(self.body.get("secrets", []))

    @property
    def networks(self) -> set[str]:
        return set(self.body["networks"])

    @cached_property
    def words(self) -> list[str]:
        """The whole command line."""
        return [*self.body.get("entrypoint", []), *self.body.get("command", [])]


def read(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the whole file with the variables of an `.env`."""
    put: dict[str, Any] = _put(_parsed(), SET if environ is None else environ)
    return put


@cache
def _parsed() -> dict[str, Any]:
    parsed: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return parsed


def containers() -> dict[str, Container]:
    """Return the file's services by name."""
    return {name: Container(name, body) for name, body in read()["services"].items()}


def of(role: str) -> list[Container]:
    """Return all web or all worker containers."""
    return [one for one in containers().values() if one.owner and one.name.endswith(f"-{role}")]
