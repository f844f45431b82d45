"""Users of the servers: whole or not at all, and only where somebody asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.kafka import client_options
from shared.mongo import user_of
from shared.settings import BadSettings, Settings, load

SERVERS = {
    "GONGXIANG_MODE": "production",
    "GONGXIANG_MONGO_URI": "mongodb://mongo/",
    "GONGXIANG_KAFKA_BOOTSTRAP": "kafka-1:9092,kafka-2:9092",
    "GONGXIANG_JWKS_URL": "http://volunteers-web:8000/.well-known/jwks.json",
}
SASL = {
    "GONGXIANG_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "GONGXIANG_KAFKA_USERNAME": "store",
    "GONGXIANG_KAFKA_PASSWORD": "pa55",
}


def test_without_a_user_the_servers_are_asked_as_nobody() -> None:
    settings = load(Settings, SERVERS)

    assert user_of(settings) == {}
    assert client_options(settings)["security_protocol"] == "PLAINTEXT"
    assert "sasl_mechanism" not in client_options(settings)


def test_a_users_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "mongo").write_text("s3cret\n")
    (tmp_path / "kafka").write_text("pa55\n")
    files = {
        "GONGXIANG_MONGO_USERNAME": "store",
        "GONGXIANG_MONGO_PASSWORD_FILE": str(tmp_path / "mongo"),
        "GONGXIANG_KAFKA_PASSWORD_FILE": str(tmp_path / "kafka"),
        "GONGXIANG_KAFKA_CA_FILE": "/etc/ca.pem",
    }
    kafka = {name: value for name, value in SASL.items() if "PASSWORD" not in name}

    settings = load(Settings, {**SERVERS, **kafka, **files})

    assert user_of(settings) == {"username": "store", "password": "s3cret"}
    options = client_options(settings)
    assert options["bootstrap_servers"] == ["kafka-1:9092", "kafka-2:9092"]
    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("store", "pa55")
    assert options["ssl_cafile"] == "/etc/ca.pem"
    assert "s3cret" not in repr(settings)
    assert "pa55" not in repr(settings)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"GONGXIANG_MONGO_USERNAME": "store"}, "GONGXIANG_MONGO_PASSWORD is missing"),
        ({"GONGXIANG_MONGO_PASSWORD": "s3cret"}, "GONGXIANG_MONGO_USERNAME is missing"),
        ({**SASL, "GONGXIANG_KAFKA_PASSWORD": ""}, "GONGXIANG_KAFKA_PASSWORD is missing"),
        ({**SASL, "GONGXIANG_KAFKA_SECURITY_PROTOCOL": "SSL"}, "SECURITY_PROTOCOL is SSL"),
        ({"GONGXIANG_KAFKA_SECURITY_PROTOCOL": "SASL_SSL"}, "SECURITY_PROTOCOL is SASL_SSL"),
        ({"GONGXIANG_KAFKA_SECURITY_PROTOCOL": "TLS"}, "SECURITY_PROTOCOL is one of"),
        ({**SASL, "GONGXIANG_KAFKA_SASL_MECHANISM": "GSSAPI"}, "SASL_MECHANISM is one of"),
    ],
)
def test_half_a_user_is_refused_at_start(wrong: dict[str, str], said: str) -> None:
    with pytest.raises(BadSettings) as refused:
        load(Settings, {**SERVERS, **wrong})

    assert said in str(refused.value)
    assert "pa55" not in str(refused.value)
