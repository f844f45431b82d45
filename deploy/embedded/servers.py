"""The embedded servers as processes: Apache Kafka, and SecantusDB in MongoDB's place.

Tests start them directly; the process file takes their `command()` instead.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from deploy.embedded import kafka_files
from deploy.embedded.local_server import STOP_TIMEOUT_S, LocalServer, ServerDidNotStart, kept_port

__all__ = ["KafkaServer", "MongoServer", "ServerDidNotStart"]


class MongoServer(LocalServer):
    """SecantusDB: on disk under `data_dir`, or with None in memory, gone when it stops."""

    name = "mongo"

    def __init__(self, data_dir: Path | str | None = None, port: int | None = None) -> None:
        self._in_memory = data_dir is None
        super().__init__(data_dir or tempfile.mkdtemp(prefix="gongxiang-mongo-"), port)

    @property
    def uri(self) -> str:
        # No retryable writes: it sorts all that it remembers of them at each, 10,000 after minutes
        # of work, which makes everything three times as slow (docs/decisions/0037).
        return (
            f"mongodb://{self.address}/?replicaSet=secantus"
            "&w=majority&journal=true&readConcernLevel=majority&retryWrites=false"
        )

    def prepare(self) -> None:
        # Named on the command line, so that no secantusd.toml of the machine has a say.
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "secantusd.toml").touch()

    def command(self) -> list[str]:
        storage = ":memory:" if self._in_memory else str(self.directory / "data")
        return [
            *(sys.executable, "-m", "secantus", "--config", "secantusd.toml"),
            *("--host", "127.0.0.1", "--port", str(self.port), "--storage-path", storage),
            *("--log-level", "WARNING", "--oplog-retention-seconds", "86400"),
            # Without it, transactions acknowledged with w=majority and j are lost by kill -9.
            *([] if self._in_memory else ["--sync-on-commit"]),
        ]

    def answers(self) -> bool:
        try:
            client: MongoClient[dict[str, object]]
            with MongoClient(self.uri, serverSelectionTimeoutMS=1000) as client:
                return bool(client.admin.command("hello").get("isWritablePrimary"))
        except PyMongoError:
            return False

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        super().stop(timeout_s)
        if self._in_memory:
            shutil.rmtree(self.directory, ignore_errors=True)


class KafkaServer(LocalServer):
    """One KRaft node of Apache Kafka, broker and controller in one process."""

    name = "kafka"

    def __init__(self, data_dir: Path | str, port: int | None = None) -> None:
        super().__init__(data_dir, port)
        self._controller_port = kept_port(self.directory, "kafka-controller")

    @property
    def bootstrap(self) -> str:
        return self.address

    def prepare(self) -> None:
        kafka_files.write_properties(
            self.directory, port=self.port, controller_port=self._controller_port
        )
        if not kafka_files.formatted(self.directory):
            kafka_files.format_storage(self.directory)

    def command(self) -> list[str]:
        return kafka_files.server_command(self.directory)

    def client_options(self) -> dict[str, object]:
        """Return what a client is told to reach it."""
        return {"bootstrap_servers": self.bootstrap}

    def answers(self) -> bool:
        try:
            admin = KafkaAdminClient(
                **{**self.client_options(), "bootstrap_timeout_ms": 2000},
                request_timeout_ms=2000,
            )
        except KafkaError:
            return False
        try:
            admin.list_topics()
        except KafkaError:
            return False
        finally:
            admin.close()
        return True

    def wipe(self) -> None:
        """Stop the broker and forget all it holds: the next start is a cluster with a new id."""
        self.stop()
        kafka_files.delete_storage(self.directory)
