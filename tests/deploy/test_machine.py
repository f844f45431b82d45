"""What is said where the machine lacks something: one clear line, before anything is installed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jgo.env import LockFile
from jgo.env._lockfile import LockedDependency

from deploy.embedded import check_machine, jars, secret_files
from deploy.embedded.jars import JarsUnavailable

NOWHERE = "http://127.0.0.1:9"


@pytest.mark.parametrize("version", [(3, 11, 0), (3, 12, 9), (3, 13, 1)])
def test_a_python_that_serves_is_taken(version):
    assert check_machine.missing_python(version) is None


@pytest.mark.parametrize("version", [(3, 8, 1), (3, 10, 13), (3, 14, 0), (4, 0, 0)])
def test_another_python_is_told_which_serve_and_how_to_choose_one(version):
    line = check_machine.missing_python(version)

    assert line
    assert "\n" not in line
    assert "3.11–3.13" in line
    assert "make PYTHON=" in line


@pytest.mark.parametrize(
    "platform",
    [("Linux", "x86_64", ("glibc", "2.36")), ("Linux", "aarch64", ("glibc", "2.28")),
     ("Darwin", "arm64", ("", ""))],
)  # fmt: skip
def test_a_platform_with_packages_is_taken(platform):
    assert check_machine.missing_platform(*platform) is None


@pytest.mark.parametrize(
    "platform",
    [("Linux", "x86_64", ("", "")), ("Linux", "x86_64", ("glibc", "2.17")),
     ("Linux", "riscv64", ("glibc", "2.36")), ("Windows", "AMD64", ("", ""))],
)  # fmt: skip
def test_another_platform_is_told_what_serves(platform):
    line = check_machine.missing_platform(*platform)

    assert line
    assert "\n" not in line
    assert "Linux virtual machine" in line


def test_this_machine_serves():
    checked = subprocess.run(
        [sys.executable, check_machine.__file__], capture_output=True, check=False
    )

    assert (checked.returncode, checked.stderr) == (0, b"")


def test_a_registry_out_of_reach_is_said_in_one_line():
    environment = {name: value for name, value in os.environ.items() if "PIP_" not in name}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": f"{NOWHERE}/simple"}

    checked = subprocess.run(
        [sys.executable, check_machine.__file__, "registry"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 1
    assert len(checked.stderr.splitlines()) == 1
    assert "registry does not answer" in checked.stderr


def test_a_jar_that_was_tampered_with_is_not_run(tmp_path):
    lock, jar = _lock_of_one(tmp_path, b"published")
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"published")
    assert jars.classpath(cache=tmp_path, lock_path=lock) == str(jar)

    jar.write_bytes(b"tampered with")

    with pytest.raises(JarsUnavailable, match="not what lock names"):
        jars.classpath(cache=tmp_path, lock_path=lock)


def test_jars_out_of_reach_are_said_in_one_line(tmp_path, monkeypatch):
    lock, _ = _lock_of_one(tmp_path, b"published")
    monkeypatch.delenv("NO_PROXY", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, NOWHERE)

    with pytest.raises(JarsUnavailable) as refusal:
        jars.classpath(cache=tmp_path / "cache", lock_path=lock)

    assert "\n" not in str(refusal.value)
    assert "does not answer" in str(refusal.value)


def test_the_lock_names_a_checksum_for_every_jar():
    locks = [LockFile.load(path) for path in jars.WANTED]

    assert [len(lock.dependencies) > 40 for lock in locks] == [True, False]
    for lock in locks:
        assert all(len(jar.sha256 or "") == 64 for jar in lock.dependencies)


def test_an_image_takes_the_try_it_pages_jar_by_the_same_lock(tmp_path):
    target = tmp_path / "swagger-ui.jar"

    assert jars.main(["swagger-ui", str(target)]) == 0

    digest = hashlib.sha256(target.read_bytes()).hexdigest()
    assert digest == LockFile.load(jars.SWAGGER_UI_LOCK).dependencies[0].sha256


def test_secrets_are_made_once_for_their_owner_alone(tmp_path):
    secret_files.make_missing(tmp_path / "secrets")
    first = {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    secret_files.make_missing(tmp_path / "secrets")

    assert first == {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}
    assert len(set(first.values())) == 5


def _lock_of_one(directory: Path, content: bytes) -> tuple[Path, Path]:
    locked = LockedDependency(
        "org.example", "thing", "1.0", sha256=hashlib.sha256(content).hexdigest()
    )
    lock_path = directory / "lock"
    LockFile([locked]).save(lock_path)
    return lock_path, directory / "org" / "example" / "thing" / "1.0" / "thing-1.0.jar"
