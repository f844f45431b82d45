"""The image by its linter and its parts; and what `make up` does before anything goes up."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
import threading
import tomllib
from pathlib import Path
from wsgiref.simple_server import make_server

import pytest

from deploy import compose, probe
from tests.deploy.compose.file import ROOT

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
LINES = DOCKERFILE.read_text().replace("\\\n", " ").splitlines()


def words(instruction: str) -> list[str]:
    return [
        line.split(maxsplit=1)[1] for line in LINES if line.split(" ")[0].strip() == instruction
    ]


def test_the_linter_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")

    said = subprocess.run(
        [hadolint, "--no-color", DOCKERFILE], capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stdout) == (0, "")


def test_the_base_is_pinned_and_of_a_python_that_we_run_on() -> None:
    bases = [line.split()[0] for line in words("FROM")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert len(set(bases)) == 1
    version = re.fullmatch(r"python:(\d+)\.(\d+)\.\d+-slim-bookworm", bases[0])
    assert version
    low, high = re.findall(r"\d+\.(\d+)", project["requires-python"])
    assert int(low) <= int(version[2]) < int(high)


def test_the_process_is_nobody_of_weight_and_is_told_to_stop() -> None:
    last = DOCKERFILE.read_text().rpartition("\nFROM ")[2]

    assert re.search(r"^USER [1-9]\d+$", last, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", last, re.MULTILINE)
    assert all(command.startswith("[") for command in words("CMD"))
    assert "HEALTHCHECK" in last


def test_packages_come_with_hashes_and_none_of_the_embedded_ones_stays() -> None:
    installs = [run for run in words("RUN") if "pip install" in run]
    last = DOCKERFILE.read_text().rpartition("\nFROM ")[2]

    assert installs
    assert all("--require-hashes -r" in run for run in installs)
    assert "COPY --from=packages /opt/venv /opt/venv" in last
    assert "requirements/base.txt" in installs[0]
    assert "rm -rf deploy/embedded deploy/demo" in last


def test_what_is_copied_is_there_and_let_through_to_the_builder() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] != "#"]
    through = [rule[1:] for rule in rules if rule.startswith("!")]

    assert rules[0] == "*"
    for line in words("COPY"):
        if line.startswith("--from"):
            continue
        for source in line.split()[:-1]:
            assert list(ROOT.glob(source)), source
            assert any(source == one or source.startswith(f"{one}/") for one in through), source
    for kept in (".secrets", ".data", ".env", ".git", "tests"):
        assert not any(fnmatch.fnmatch(kept, one) for one in through)


def test_secrets_are_made_once_for_whoever_may_open_the_directory(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    made = compose.make_secrets(directory)
    before = {path.name: path.read_text() for path in directory.iterdir()}

    directory.chmod(0o755)  # as one that somebody made by hand
    assert compose.make_secrets(directory) == []
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.read_text() for path in directory.iterdir()} == before
    assert set(before) == set(made)
    assert directory.stat().st_mode & 0o777 == 0o700
    random = [text for name, text in before.items() if name != compose.PROVIDERS_OWN]
    assert len(set(random)) == len(random)
    assert min(map(len, random)) >= 43
    assert 6 <= len(before["mongo_keyfile"].strip()) <= 1024


@pytest.mark.parametrize(
    "line", ["", "#GONGXIANG_SMS_WEBHOOK_URL=https://x", "GONGXIANG_SMS_WEBHOOK_URL="]
)
def test_what_nothing_starts_without_is_asked_for(tmp_path: Path, line: str) -> None:
    (tmp_path / ".env").write_text(f"{line}\n")

    assert compose.missing_settings({}, tmp_path / ".env")
    (tmp_path / ".env").write_text("GONGXIANG_SMS_WEBHOOK_URL='https://sms.example.org'\n")
    assert not compose.missing_settings({}, tmp_path / ".env")


def test_without_docker_make_up_says_so() -> None:
    said = subprocess.run(
        ["make", "up", "DOCKER=no-docker-here", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode != 0
    assert "no-docker-here" in said.stderr
    assert "make run" in said.stderr


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (None, 1)])
def test_a_container_is_healthy_when_its_page_says_ready(
    status: int | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def page(environ, start):
        asked.append(environ["PATH_INFO"])
        start(f"{status} as said", [])
        return [b""]

    with make_server("127.0.0.1", 0, page) as server:
        monkeypatch.setenv("GONGXIANG_METRICS_PORT", str(server.server_port))
        if status is None:
            server.socket.close()
        else:
            threading.Thread(target=server.handle_request, daemon=True).start()

        assert probe.main() == code

    assert asked == (["/readyz"] if status else [])
