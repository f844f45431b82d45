"""What every web process does besides its routes."""

from __future__ import annotations

import json
import logging
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import jars
from deploy.embedded.servers import MongoServer
from shared import clock, logs
from shared.auth import KnownKeys, Verifier
from shared.mongo import ServiceDatabase
from shared.settings import BadSettings
from shared.web import Blueprint, Waiter, create_app, public, requires
from shared.web.access import RouteWithoutRole
from tests.shared.web.conftest import SEED, Shop

pytestmark = pytest.mark.servers
VERIFIER = Verifier(KnownKeys({"k1": SEED}))


def app_with(database: ServiceDatabase, blueprint: Blueprint, **changes: Any) -> Any:
    return create_app(
        replace(database.settings, **changes),
        service="store",
        database=database,
        blueprints=[blueprint],
        verifier=VERIFIER,
    )


def test_a_route_without_a_role_keeps_the_app_from_starting(database: ServiceDatabase) -> None:
    open_door = Blueprint("open_door", __name__)

    @open_door.get("/v1/secrets")
    def secrets() -> dict[str, str]:
        return {}

    with pytest.raises(RouteWithoutRole, match="/v1/secrets"):
        app_with(database, open_door)


def test_health_readiness_and_figures_are_shown(shop: Shop) -> None:
    shop.post("/v1/things", {"pieces": 1})
    shop.client.get("/v1/things/surely/not/there")

    assert shop.client.get("/healthz").json == {"status": "ok"}
    assert shop.client.get("/readyz").json == {"status": "ready"}
    figures = shop.client.get("/metrics").text
    assert 'gongxiang_http_requests_total{method="POST",route="/v1/things"' in figures
    assert 'route="(none)"' in figures
    assert "surely" not in figures


def test_a_web_process_is_not_ready_while_the_database_is_away(
    mongo: MongoServer, database: ServiceDatabase
) -> None:
    from pymongo import MongoClient

    app = app_with(database, Blueprint("nothing", __name__))
    away: MongoClient[dict[str, Any]] = MongoClient(
        "mongodb://127.0.0.1:1", serverSelectionTimeoutMS=100
    )
    there, database.client = database.client, away
    try:
        answer = app.test_client().get("/readyz")
    finally:
        database.client = there
        away.close()

    assert (answer.status_code, json.loads(answer.data)["code"]) == (503, "database-away")
    assert app.test_client().get("/healthz").status_code == 200


def test_the_openapi_document_shows_roles_keys_and_limits(shop: Shop) -> None:
    document = shop.client.get("/openapi.json").json
    assert document is not None
    take = document["paths"]["/v1/things"]["post"]
    look = document["paths"]["/v1/lookups"]["post"]

    assert take["x-roles"] == ["volunteer"]
    assert take["security"] == [{"bearer": []}]
    assert {"$ref": "#/components/parameters/IDEMPOTENCY_KEY"} in take["parameters"]
    assert look["x-roles"] == ["admin", "auditor"]
    assert "parameters" not in look
    assert document["paths"]["/v1/things"]["get"]["x-roles"] == []
    assert "ThingPage" in document["components"]["schemas"]


def test_the_page_to_try_it_needs_nothing_from_elsewhere(database: ServiceDatabase) -> None:
    jar = str(jars.swagger_ui())
    client = app_with(database, Blueprint("nothing", __name__), swagger_ui=jar).test_client()

    page = client.get("/docs")

    policy = page.headers["Content-Security-Policy"]
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "default-src 'none'; script-src 'self'; connect-src 'self'" in policy
    named = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(named) == 4
    assert all(name.startswith("/docs/") for name in named)
    files = [client.get(name) for name in named]
    assert [file.status_code for file in files] == [200] * 4
    assert {file.mimetype for file in files} == {"text/css", "text/javascript", "image/png"}
    # Its own script speaks to its own service, and keeps the token nowhere.
    own = client.get("/docs/docs.js").text
    assert not re.search(r"https?://|localStorage|sessionStorage|cookie", own)
    assert "persistAuthorization: false" in own
    assert client.get("/docs/docs.py").status_code == 404


def test_without_the_jar_there_is_no_such_page(shop: Shop) -> None:
    assert shop.client.get("/docs").status_code == 404
    assert shop.client.get("/openapi.json").status_code == 200


def test_a_jar_that_is_none_is_said_at_start(database: ServiceDatabase, tmp_path: Path) -> None:
    jar = tmp_path / "swagger-ui.jar"
    for content in (None, b"no jar"):
        if content:
            jar.write_bytes(content)
        with pytest.raises(BadSettings, match="GONGXIANG_SWAGGER_UI"):
            app_with(database, Blueprint("nothing", __name__), swagger_ui=str(jar))


def test_a_person_and_an_address_may_ask_so_often_a_minute(database: ServiceDatabase) -> None:
    calm = Blueprint("calm", __name__)

    @calm.get("/v1/calm")
    @public
    @calm.response(200)
    def answer() -> dict[str, str]:
        return {}

    client = app_with(
        database, calm, requests_a_minute=2, requests_a_minute_address=5
    ).test_client()
    ada, bob = Shop(database, client.application).token("ada"), {}
    bob = Shop(database, client.application).token("bob")

    def ask(headers: dict[str, str]) -> Any:
        return client.get("/v1/calm", headers=headers)

    asked = [ask(ada) for _ in range(3)]
    assert [answer.status_code for answer in asked] == [200, 200, 429]
    assert "X-Limited" not in asked[-1].headers
    assert [ask(bob).status_code for _ in range(3)] == [200, 200, 429]
    last = ask({})
    assert (last.status_code, json.loads(last.data)["code"]) == (429, "too-many-requests")
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert last.headers["X-Limited"] == "address"
    assert client.get("/healthz").status_code == 200


def test_one_story_has_one_trace(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    seen: list[str] = []
    shop.before_answer = lambda work: seen.append(work.correlation)

    with caplog.at_level(logging.INFO, logger="shared.web"):
        answer = shop.post(
            "/v1/things",
            {"pieces": 1, "note": "canary"},
            headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
        )
        shop.post("/v1/things", {"pieces": 1}, headers={"traceparent": "00-" + "0" * 32})

    assert answer.headers["X-Correlation-Id"] == trace
    assert answer.headers["Cache-Control"] == "no-store"
    assert seen[0][3:35] == trace
    assert seen[1][3:35] not in (trace, "0" * 32)
    assert "canary" not in caplog.text


def test_no_more_than_half_the_threads_wait(shop: Shop) -> None:
    database = ServiceDatabase(
        shop.database.client, "store", replace(shop.database.settings, web_threads=4)
    )
    waiter = Waiter(database, "things", done=lambda thing: thing["state"] == "GIVEN")
    database.db.things.insert_one({"_id": "t1", "state": "ASKED"})
    found: list[Any] = []
    two = [threading.Thread(target=lambda: found.append(waiter.wait("t1", 5.0))) for _ in range(2)]
    for thread in two:
        thread.start()
    clock.sleep(0.2)

    began = clock.monotonic()
    third = waiter.wait("t1", 5.0)
    took = clock.monotonic() - began
    database.db.things.update_one({"_id": "t1"}, {"$set": {"state": "GIVEN"}})
    for thread in two:
        thread.join(5)

    assert third is None
    assert took < 0.1
    assert [thing["state"] for thing in found] == ["GIVEN", "GIVEN"]
    assert waiter.wait("t1", 5.0) is not None
    assert waiter.wait("t2", 0.2) is None


def test_a_log_line_is_json_with_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(service="store", slot="store-0")
    with logs.with_correlation(None) as traceparent:
        try:
            int("内")
        except ValueError:
            logging.getLogger("ours").exception("went wrong", extra={"order": "o1"})
    for _ in range(50):
        logging.getLogger("kafka.conn").warning("away")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[0]["trace"] == traceparent[3:35]
    assert (lines[0]["message"], lines[0]["order"]) == ("went wrong", "o1")
    assert (lines[0]["service"], lines[0]["slot"], lines[0]["level"]) == (
        "store",
        "store-0",
        "ERROR",
    )
    assert "内" in lines[0]["exception"]
    assert len(lines) == 1 + 20


def test_who_wants_only_errors_hears_no_warnings_of_libraries_either(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure(service="store", slot="store-0", level="ERROR")
    logging.getLogger("kafka.conn").warning("away")
    logging.getLogger("kafka.conn").error("gone")

    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "gone"


def test_roles_are_looked_at_before_anything_else(database: ServiceDatabase) -> None:
    shut = Blueprint("shut", __name__)

    @shut.get("/v1/shut")
    @requires()
    def never() -> dict[str, str]:
        return {}

    client = app_with(database, shut).test_client()
    asked = client.get("/v1/shut", headers=Shop(database, client.application).token())
    assert asked.status_code == 403
