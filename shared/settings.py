"""Settings: a frozen dataclass per process, read from the environment by its fields' names.

A field ``mongo_uri`` is read from ``GONGXIANG_MONGO_URI``; a secret may instead stand in a
file that ``GONGXIANG_…_FILE`` names. ``deploy/env.example`` lists every one, and a test holds
the two together.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

PREFIX = "GONGXIANG_"
MODES = ("embedded", "production")
EMBEDDED_ONLY = ("clock_offset_file", "clock_error_s")
KAFKA_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
KAFKA_MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


class BadSettings(SystemExit):
    """The process may not start with these settings; the message says which and why."""


@dataclass(frozen=True, kw_only=True)
class KeyRing:
    """Named secret keys; the first is the one to make new things with, all may check old ones."""

    keys: Mapping[str, bytes]

    @property
    def current(self) -> tuple[str, bytes]:
        """Return the name and the 32 bytes of the key in use."""
        return next(iter(self.keys.items()))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.keys)})"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every process of ours needs to know."""

    mode: str
    mongo_uri: str
    kafka_bootstrap: str
    jwks_url: str
    mongo_username: str = ""
    mongo_password: str = field(default="", repr=False)
    kafka_security_protocol: str = "PLAINTEXT"
    kafka_sasl_mechanism: str = "SCRAM-SHA-512"
    kafka_username: str = ""
    kafka_password: str = field(default="", repr=False)
    kafka_ca_file: str = ""
    topic_partitions: int = 8
    topic_replication: int = 1
    database_prefix: str = "gongxiang_"
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Shanghai"))
    slot: str = "process-0"
    port: int = 0
    web_workers: int = 1
    web_threads: int = 16
    metrics_port: int = 0
    log_level: str = "INFO"
    dead_letters_an_hour: int = 100
    requests_a_minute: int = 600
    requests_a_minute_address: int = 6000
    swagger_ui: str = ""
    clock_offset_file: str = ""
    clock_error_s: float = 0.0

    @property
    def embedded(self) -> bool:
        """Tell whether this is a laptop's or a test's system, with help that production forbids."""
        return self.mode == "embedded"


SomeSettings = TypeVar("SomeSettings", bound=Settings)


def load(kind: type[SomeSettings], environ: Mapping[str, str] | None = None) -> SomeSettings:
    """Return the settings of this process, or end it with one line that says what is wrong."""
    source = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for each in fields(kind):
        text = _text(source, each.name)
        if text is not None:
            values[each.name] = _parse(each.name, str(each.type), text)
    try:
        settings = kind(**values)
    except TypeError:
        missing = [f.name for f in fields(kind) if f.name not in values and _required(f)]
        raise BadSettings(f"settings missing: {', '.join(map(variable, missing))}") from None
    _check(settings)
    return settings


def variable(field: str) -> str:
    """Return the environment variable of a field: ``mongo_uri`` → ``GONGXIANG_MONGO_URI``."""
    return PREFIX + field.upper()


def _required(field: Any) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _text(source: Mapping[str, str], name: str) -> str | None:
    file = source.get(variable(name) + "_FILE")
    if file:
        try:
            return Path(file).read_text().strip()
        except OSError as error:
            raise BadSettings(f"{variable(name)}_FILE cannot be read: {error.strerror}") from None
    return source.get(variable(name))


def _parse(name: str, kind: str, text: str) -> Any:
    try:
        match kind:
            case "int":
                return int(text)
            case "float":
                return float(text)
            case "ZoneInfo":
                return ZoneInfo(text)
            case "KeyRing":
                return key_ring(text)
            case "bytes":
                return key_bytes(text)
            case _:
                return text
    except (ValueError, KeyError):
        raise BadSettings(f"{variable(name)} is not a valid {kind}") from None


def key_ring(text: str) -> KeyRing:
    """Read ``name:base64url,name:base64url``; the first key is the current one."""
    pairs = [part.partition(":") for part in text.split(",") if part.strip()]
    keys = {name.strip(): key_bytes(value) for name, _, value in pairs}
    if not keys or not all(keys):
        raise ValueError("a key ring needs at least one named key")
    return KeyRing(keys=keys)


def key_bytes(text: str) -> bytes:
    """Read 32 bytes in base64url, with or without padding."""
    raw = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    if len(raw) != 32:
        raise ValueError("a key has 32 bytes")
    return raw


def _check_users(settings: Settings) -> None:
    """Refuse half of a user, and one that would be named to nobody."""
    for server in ("mongo", "kafka"):
        name, password = (
            getattr(settings, f"{server}_{part}") for part in ("username", "password")
        )
        if bool(name) != bool(password):
            missing = variable(f"{server}_{'password' if name else 'username'}")
            raise BadSettings(f"{missing} is missing: a user has a name and a password")
    protocol = settings.kafka_security_protocol
    if protocol not in KAFKA_PROTOCOLS:
        known = ", ".join(KAFKA_PROTOCOLS)
        raise BadSettings(f"{variable('kafka_security_protocol')} is one of {known}")
    if settings.kafka_sasl_mechanism not in KAFKA_MECHANISMS:
        known = ", ".join(KAFKA_MECHANISMS)
        raise BadSettings(f"{variable('kafka_sasl_mechanism')} is one of {known}")
    if protocol.startswith("SASL") != bool(settings.kafka_username):
        raise BadSettings(
            f"{variable('kafka_username')} belongs to SASL_PLAINTEXT or SASL_SSL, which want it: "
            f"{variable('kafka_security_protocol')} is {protocol}"
        )


def _check(settings: Settings) -> None:
    if settings.mode not in MODES:
        raise BadSettings(f"{variable('mode')} is one of {', '.join(MODES)}")
    _check_users(settings)
    if settings.embedded:
        return
    defaults = {f.name: f.default for f in fields(settings)}
    for name in EMBEDDED_ONLY:
        if getattr(settings, name) != defaults[name]:
            raise BadSettings(f"{variable(name)} is for embedded mode only")
    for each in fields(settings):
        value = getattr(settings, each.name)
        secrets = value.keys.values() if isinstance(value, KeyRing) else [value]
        for secret in secrets:
            if isinstance(secret, bytes) and len(set(secret)) < 8:
                raise BadSettings(f"{variable(each.name)} is a default or a guessable key")
