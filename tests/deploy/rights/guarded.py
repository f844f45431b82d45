"""Servers that ask who comes: Kafka with compose's own properties, SecantusDB with --auth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymongo import MongoClient

from deploy.embedded import kafka_files
from deploy.embedded.local_server import free_port
from deploy.embedded.servers import KafkaServer, MongoServer
from deploy.rights.table import OPERATOR
from shared.kafka import client_options
from shared.settings import Settings

PROPERTIES = Path(__file__).resolve().parents[3] / "deploy" / "kafka" / "server.properties"
PASSWORD = "operators-own"


class GuardedKafka(KafkaServer):
    """The node of docker-compose.yml, with ports, storage and a heap of the test's own."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(data_dir)
        self._internal_port = free_port()

    def prepare(self) -> None:
        lines = [line for line in PROPERTIES.read_text().splitlines() if line[:1] not in ("", "#")]
        properties = dict(line.split("=", 1) for line in lines)
        assert not set(self._own) - set(properties)
        properties |= self._own
        # The default does not fit into the embedded heap.
        properties["log.cleaner.dedupe.buffer.size"] = "8388608"
        text = "\n".join(f"{key}={value}" for key, value in properties.items())
        (self.directory / "server.properties").write_text(text + "\n")
        if not kafka_files.formatted(self.directory):
            user = f"SCRAM-SHA-512=[name={OPERATOR},password={PASSWORD}]"
            kafka_files.format_storage(self.directory, "--add-scram", user)

    @property
    def _own(self) -> dict[str, str]:
        internal, controller = self._internal_port, self._controller_port
        return {
            "listeners": f"CLIENTS://127.0.0.1:{self.port},INTERNAL://127.0.0.1:{internal},"
            f"CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"CLIENTS://127.0.0.1:{self.port},"
            f"INTERNAL://127.0.0.1:{internal}",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "log.dirs": str(self.directory / "data"),
        }

    def settings(self, user: str, password: str, **more: object) -> Settings:
        """Return the settings of a process that comes as this user."""
        values = {
            "mode": "production",
            "mongo_uri": "",
            "kafka_bootstrap": self.address,
            "jwks_url": "",
            "slot": f"{user}-worker-0",
            "topic_partitions": 2,
            "kafka_security_protocol": "SASL_PLAINTEXT",
            "kafka_username": user,
            "kafka_password": password,
        }
        return Settings(**{**values, **more})  # type: ignore[arg-type]

    def client_options(self) -> dict[str, object]:
        return client_options(self.settings(OPERATOR, PASSWORD))


class GuardedMongo(MongoServer):
    """SecantusDB that asks for a user: the first is made while it asks nobody yet."""

    guarded = False

    def command(self) -> list[str]:
        return [*super().command(), *(["--auth"] if self.guarded else [])]

    def guard(self) -> None:
        """Make the root user, as the image of MongoDB does, and ask everybody from now on."""
        with MongoClient[dict[str, Any]](self.uri) as client:
            client.admin.command("createUser", "root", pwd=PASSWORD, roles=["root"])
        self.stop()
        self.guarded = True
        self.start()
