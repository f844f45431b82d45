"""What all clients of the broker have in common: as whom they come, and what trouble is called."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from kafka.errors import FencedInstanceIdError, KafkaError

from shared.settings import Settings

log = logging.getLogger(__name__)


class BrokerTrouble(Exception):
    """The broker did not do it now; nothing is known to be lost, try again."""


class TwinHasOurName(Exception):
    """Another process joined under our slot's name: this one has to end."""


@contextmanager
def trouble() -> Iterator[None]:
    """Raise what the client runs into under one of our two names."""
    try:
        yield
    except FencedInstanceIdError as error:
        raise TwinHasOurName(str(error)) from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerTrouble(f"{type(error).__name__}: {error}") from error


class Closable(Protocol):
    """A client of the broker."""

    def close(self) -> None:
        """Let go of the broker; :class:`BrokerTrouble` where that was not in good order."""


def close_quietly(client: Closable) -> None:
    """Close a client that is not needed any more, whatever the broker says to it."""
    try:
        client.close()
    except BrokerTrouble as error:
        log.info("closed in trouble", extra={"why": str(error)})


def client_options(settings: Settings) -> dict[str, Any]:
    """Return what every client is told: the brokers, our name, and as whom it comes."""
    return {
        **_user(settings),
        "bootstrap_servers": settings.kafka_bootstrap.split(","),
        "bootstrap_timeout_ms": 5_000,
        "client_id": settings.slot,
        "reconnect_backoff_max_ms": 500,
        "metadata_max_age_ms": 5_000,
    }


def _user(settings: Settings) -> dict[str, Any]:
    protocol = settings.kafka_security_protocol
    options: dict[str, Any] = {"security_protocol": protocol}
    if protocol.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_username,
            "sasl_plain_password": settings.kafka_password,
        }
    if protocol.endswith("SSL") and settings.kafka_ca_file:
        options["ssl_cafile"] = settings.kafka_ca_file
    return options
