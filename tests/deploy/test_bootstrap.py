"""What a district begins with: there after one run, or after one that died and the next."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from deploy import bootstrap
from deploy.embedded.servers import MongoServer
from services.volunteers.app import create_app
from services.volunteers.settings import VolunteersSettings
from shared import ids, regions
from shared.settings import load
from shared.web.running import DATABASE

DISTRICT = "430211"
PHONE = "13900000000"
ARGUMENTS = ["--district", DISTRICT, "--admin-phone", PHONE]


def _key(first: int) -> str:
    return base64.urlsafe_b64encode(bytes(range(first, first + 32))).decode()


@pytest.fixture
def environment(mongo: MongoServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    values = {
        "GONGXIANG_MODE": "embedded",
        "GONGXIANG_MONGO_URI": mongo.uri,
        "GONGXIANG_KAFKA_BOOTSTRAP": "127.0.0.1:1",
        "GONGXIANG_JWKS_URL": "http://127.0.0.1:1/",
        "GONGXIANG_DATABASE_PREFIX": f"t{ids.new_id()}_",
        "GONGXIANG_TOKEN_KEYS": f"t1:{_key(0)}",
        "GONGXIANG_PHONE_KEY": _key(40),
        "GONGXIANG_PERSON_KEYS": f"p1:{_key(80)}",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    yield values
    client = mongo_client(mongo)
    for service in ("volunteers", "ledger"):
        client.drop_database(values["GONGXIANG_DATABASE_PREFIX"] + service)
    client.close()


def mongo_client(mongo: MongoServer) -> Any:
    from pymongo import MongoClient

    return MongoClient(mongo.uri)


def state(mongo: MongoServer, environment: dict[str, str]) -> dict[str, Any]:
    client = mongo_client(mongo)
    prefix = environment["GONGXIANG_DATABASE_PREFIX"]
    people, books = client[prefix + "volunteers"], client[prefix + "ledger"]
    found = {
        "regions": people.regions.count_documents({}),
        "people": people.people.count_documents({}),
        "told": [row["_id"].split(":")[1] for row in people.outbox.find()],
        "grants": [(row["role"], row["region"]) for row in people.grants.find()],
        "postings": [row["_id"] for row in books.journal.find()],
    }
    client.close()
    return found


WHOLE = {
    "regions": 1559,
    "people": 1,
    "told": ["1"],
    "grants": [("admin", DISTRICT)],
    "postings": [f"open:{DISTRICT}"],
}


@pytest.mark.servers
def test_a_district_begins_with_regions_a_book_and_an_administrator(
    mongo: MongoServer, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main(ARGUMENTS) == 0
    assert state(mongo, environment) == WHOLE

    assert bootstrap.main(ARGUMENTS) == 0
    assert state(mongo, environment) == WHOLE
    assert "was appointed before" in capsys.readouterr().out


@pytest.mark.servers
@pytest.mark.parametrize("step", ["load_regions", "open_book", "appoint"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_died_is_repaired_by_the_next(
    mongo: MongoServer,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    when: str,
) -> None:
    real = getattr(bootstrap, step)

    def dies(*arguments: Any, **named: Any) -> None:
        if when == "after":
            real(*arguments, **named)
        raise SystemExit("killed")

    with monkeypatch.context() as dying:
        dying.setattr(bootstrap, step, dies)
        with pytest.raises(SystemExit, match="killed"):
            bootstrap.main(ARGUMENTS)

    assert bootstrap.main(ARGUMENTS) == 0
    assert state(mongo, environment) == WHOLE


@pytest.mark.servers
def test_the_first_administrator_signs_in_with_a_code_as_all_do(
    environment: dict[str, str],
) -> None:
    assert bootstrap.main(ARGUMENTS) == 0
    app = create_app(load(VolunteersSettings, environment))
    client = app.test_client()

    def post(path: str, body: dict[str, str]) -> Any:
        return client.post(f"/v1{path}", json=body, headers={"Idempotency-Key": ids.new_id()}).json

    asked = post("/phone-confirmations", {"phone": PHONE})
    signed = post(
        "/sessions",
        {
            "confirmation_id": asked["confirmation_id"],
            "phone": PHONE,
            "code": asked["embedded_code"],
        },
    )
    app.extensions[DATABASE].close()
    assert signed["roles"] == [{"role": "admin", "region": DISTRICT}]


@pytest.mark.servers
def test_what_cannot_be_begun_is_said_in_one_line(
    environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main(["--district", "999999"]) == 1
    assert capsys.readouterr().err == "bootstrap: no district 999999 in regions.csv\n"
    assert bootstrap.main(["--district", DISTRICT, "--admin-phone", "110"]) == 1
    assert bootstrap.main(["--district", DISTRICT]) == 0
    with pytest.raises(SystemExit):
        bootstrap.main(["--district", "4302110"])


def test_every_region_of_the_file_lies_in_one_that_is_there() -> None:
    rows = bootstrap.read_regions()
    codes = {row["code"] for row in rows}

    assert len(codes) == len(rows) == 1559
    for row in rows:
        assert regions.is_code(row["code"])
        assert len(row["code"]) == regions.LENGTHS[row["level"]]
        assert row["code"].startswith(row["parent"])
        assert row["name"] == row["name"].strip() != ""
        assert row["level"] == "district" or row["parent"] in codes
    streets = [row["name"] for row in rows if row["parent"] == DISTRICT]
    assert streets == [
        "嵩山路街道",
        "泰山路街道",
        "栗雨街道",
        "马家河街道",
        "群丰镇",
        "雷打石镇",
        "三门镇",
    ]
