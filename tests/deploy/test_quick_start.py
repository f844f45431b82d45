"""The broker's quick start is one that Java takes; without a good one the broker starts too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.embedded import kafka_files, quick_start
from deploy.embedded.servers import KafkaServer

pytestmark = pytest.mark.servers


def test_java_takes_what_the_installation_made(tmp_path: Path) -> None:
    only_so = ("-XX:AOTMode=on", f"-XX:AOTCache={kafka_files.QUICK_START}")
    more = (kafka_files.UNKNOWN_PASSED_OVER, *kafka_files.CLASSES_ALONE)
    command = kafka_files.server_command(tmp_path, *only_so, *more)

    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    # It came as far as Kafka, which finds no properties here, and Java complained of nothing.
    assert "NoSuchFileException" in ended.stdout + ended.stderr
    assert "aot" not in ended.stdout + ended.stderr


def test_a_broker_starts_without_a_good_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoiled = tmp_path / "kafka.aot"
    spoiled.write_bytes(b"of another Java")
    monkeypatch.setattr(kafka_files, "QUICK_START", spoiled)
    unknown = (*kafka_files.CLASSES_ALONE, "-XX:-OnlyAnotherJavaKnowsThis")
    monkeypatch.setattr(kafka_files, "CLASSES_ALONE", unknown)
    broker = KafkaServer(tmp_path / "broker")

    try:
        broker.start()
        assert broker.answers()
    finally:
        broker.stop()


def test_where_none_can_be_made_the_former_one_goes_and_java_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    former = tmp_path / "kafka.aot"
    former.write_bytes(b"of another Java")
    monkeypatch.setattr(kafka_files, "QUICK_START", former)
    # A start that writes nothing down.
    monkeypatch.setattr(KafkaServer, "start", lambda _: None)

    assert quick_start.main() == 0

    said = capsys.readouterr().err
    assert "the broker will start slowly" in said
    assert "start.conf" in said.partition("exit status")[2]
    assert list(tmp_path.iterdir()) == []
