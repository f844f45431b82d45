"""docker-compose.yml against the published schema of the Compose specification, and in itself."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import resources
from urllib.parse import urlsplit

import jsonschema
import pytest

from deploy import compose
from deploy.installation import SERVICES
from tests.deploy.compose import file

PINNED = re.compile(r"^[a-z0-9./-]+:\d+\.\d+\.\d+[a-z0-9.-]*$")
CONTAINERS = file.containers()
PUBLISHED = re.compile(r"^(?P<host>[\d.]+):(?P<outside>\d+):(?P<inside>\d+)$")


def test_it_is_what_the_compose_specification_publishes() -> None:
    vendored = resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    schema = json.loads((vendored / "compose-spec.json").read_text())

    checker = jsonschema.Draft202012Validator(schema)
    assert not [error.message for error in checker.iter_errors(file.read())]
    assert list(checker.iter_errors({"services": {"x": {"imagine": "y"}}}))


def test_every_service_has_a_web_and_a_worker() -> None:
    for role in ("web", "worker"):
        assert {one.owner for one in file.of(role)} == set(SERVICES)


def test_foreign_images_are_pinned_and_ours_is_built_once() -> None:
    foreign = {one.body["image"] for one in CONTAINERS.values() if not one.ours}
    ours = [one for one in CONTAINERS.values() if one.ours]

    assert {image.partition(":")[0] for image in foreign} == {"mongo", "apache/kafka"}
    assert all(PINNED.match(image) for image in foreign)
    assert CONTAINERS["mongo"].body["image"].startswith("mongo:8.")
    assert len({one.body["image"] for one in ours}) == 1
    assert [one.name for one in ours if "build" in one.body] == ["rights-mongo"]
    assert (file.ROOT / CONTAINERS["rights-mongo"].body["build"]["dockerfile"]).is_file()


def test_the_broker_is_the_version_that_the_tests_run_on() -> None:
    lock = tomllib.loads((file.ROOT / "deploy/embedded/jars.lock.toml").read_text())
    versions = {
        jar["version"] for jar in lock["dependencies"] if jar["groupId"] == "org.apache.kafka"
    }

    assert {CONTAINERS["kafka"].body["image"].partition(":")[2]} == versions


@pytest.mark.parametrize("name", list(CONTAINERS))
def test_a_container_is_kept_up_bounded_and_its_log_turned_over(name: str) -> None:
    body = CONTAINERS[name].body

    once = any(name in one.body.get("depends_on", {}) for one in CONTAINERS.values()) or name in (
        "bootstrap",
        "operate",
    )
    server = name in ("mongo", "kafka")
    assert body["restart"] == ("no" if once and not server else "unless-stopped")
    assert set(body["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert body["logging"]["options"]["max-size"]
    if CONTAINERS[name].ours:
        assert body["read_only"]
        assert body["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", list(CONTAINERS))
def test_what_a_container_waits_for_can_come_to_be(name: str) -> None:
    for other, how in CONTAINERS[name].body.get("depends_on", {}).items():
        waited = CONTAINERS[other]
        match how["condition"]:
            case "service_healthy":
                assert waited.body["healthcheck"]["test"]
            case "service_completed_successfully":
                assert waited.body["restart"] == "no"
            case condition:
                pytest.fail(f"{name} waits for {other}: {condition}")
        assert CONTAINERS[name].networks & waited.networks


def test_only_the_four_webs_can_be_reached_and_only_from_this_machine() -> None:
    ports = {one.name: one.body["ports"] for one in CONTAINERS.values() if one.body.get("ports")}

    assert set(ports) == {one.name for one in file.of("web")}
    found = [PUBLISHED.match(port) for (port,) in ports.values()]
    assert {match["host"] for match in found if match} == {"127.0.0.1"}
    assert len({match["outside"] for match in found if match}) == len(SERVICES)
    assert {match["inside"] for match in found if match} == {
        one.environment["GONGXIANG_PORT"] for one in file.of("web")
    }


def test_the_networks_keep_webs_from_the_broker_and_servers_from_the_world() -> None:
    networks = file.read()["networks"]

    assert networks["documents"]["internal"]
    assert networks["log"]["internal"]
    assert CONTAINERS["kafka"].networks == {"log"}
    assert CONTAINERS["mongo"].networks == {"documents"}
    for web in file.of("web"):
        assert "log" not in web.networks
        assert not [name for name in web.environment if "KAFKA_PASSWORD" in name]
    for worker in file.of("worker"):
        assert "front" not in worker.networks


def test_every_address_leads_to_a_container_that_listens_there() -> None:
    properties = (file.ROOT / "deploy/kafka/server.properties").read_text()
    for one in CONTAINERS.values():
        if not one.ours:
            continue
        mongo = urlsplit(one.environment["GONGXIANG_MONGO_URI"])
        assert mongo.netloc == "mongo:27017"
        assert f"--{mongo.query.partition('&')[0].replace('replicaSet', 'replSet')}" in (
            CONTAINERS["mongo"].words
        )
        assert (
            f"advertised.listeners=CLIENTS://{one.environment['GONGXIANG_KAFKA_BOOTSTRAP']},"
            in (properties)
        )
        keys = urlsplit(one.environment["GONGXIANG_JWKS_URL"])
        assert keys.port == int(CONTAINERS[str(keys.hostname)].environment["GONGXIANG_PORT"])
        document = json.loads((file.ROOT / "docs/openapi/volunteers.json").read_text())
        assert keys.path in document["paths"]
    assert "--setParameter=transactionLifetimeLimitSeconds=10" in CONTAINERS["mongo"].words


def test_each_secret_is_a_file_that_somebody_makes_and_somebody_reads(tmp_path) -> None:
    declared = file.read()["secrets"]

    assert {row["file"] for row in declared.values()} == {f".secrets/{name}" for name in declared}
    assert set(compose.make_secrets(tmp_path)) == set(declared)
    assert set().union(*(one.secrets for one in CONTAINERS.values())) == set(declared)


@pytest.mark.parametrize("name", list(CONTAINERS))
def test_a_container_gets_the_secrets_that_it_reads_and_no_secret_stands_in_the_file(
    name: str,
) -> None:
    one = CONTAINERS[name]
    named = {
        value.removeprefix("/run/secrets/")
        for key, value in one.environment.items()
        if key.endswith("_FILE")
    }
    text = " ".join(map(str, one.words))
    read = {secret for secret in one.secrets if f"/run/secrets/{secret}" in text}
    if "--passwords" in one.words:
        read |= {secret for secret in one.secrets if f"{one.words[3]}_password_" in secret}
    if name == "kafka":
        start = (file.ROOT / "deploy/kafka/start.sh").read_text()
        read |= {secret for secret in one.secrets if f"/run/secrets/{secret}" in start}

    assert named | read == one.secrets
    for key in one.environment:
        if re.search(r"PASSWORD|_KEYS?\b|TOKEN", key):
            assert key.endswith("_FILE"), key


def test_what_the_file_leaves_open_stands_in_the_example_with_its_default() -> None:
    line = re.compile(r"^(#?)([A-Z0-9_]+)=(.*)$", re.MULTILINE)
    example = {name: value for _, name, value in line.findall(file.EXAMPLE.read_text())}

    assert dict(file.variables()) == example
    assert len(set(file.variables())) == len(example)
