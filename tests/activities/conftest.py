"""Activities on the real database: its app, its worker's parts, and people with tokens."""

from __future__ import annotations

import http.server
import io
import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from deploy.embedded.servers import MongoServer
from services.activities.app import create_app
from services.activities.handlers import SUBSCRIPTIONS
from services.activities.operations import SWEEPS
from services.activities.settings import ActivitiesSettings
from shared import auth, clock, events, ids
from shared.auth import Grant, KnownKeys, Role
from shared.kafka import Message
from shared.mongo import Document, ServiceDatabase
from shared.settings import KeyRing
from shared.web.running import DATABASE
from shared.worker import DeadLetter, Heard, TransactionHearer
from tests.activities.making import ZONE

KEYS = KnownKeys({"k1": bytes(range(32))})
STREET, COMMUNITY = "430211001", "430211001001"
ELSEWHERE = "430211002004"
TRIES_MAX = 60


@pytest.fixture(scope="session")
def key_set_url() -> Iterator[str]:
    """Serve the key set, as the volunteers service does."""

    class Published(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(KEYS.published()).encode())

        def log_message(self, *_args: object) -> None:
            """Stay silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Published)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def read(answer: TestResponse) -> Any:
    """Return what an answer says, in JSON; it says something."""
    assert answer.json is not None, answer.status
    return answer.json


@dataclass
class Activities:
    """The service under test, in the words of the tests; at first it is eight, the day before."""

    app: Flask
    database: ServiceDatabase
    clock_file: Path
    nine: datetime
    """Nine in the morning, the day after tomorrow: when the shifts begin, unless said otherwise."""
    hearer: TransactionHearer = field(init=False)
    leader: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.hearer = TransactionHearer(self.database, SUBSCRIPTIONS)
        self.leader = self.token("leader", Grant(Role.ORGANISER, STREET))

    @property
    def db(self) -> Any:
        return self.database.db

    # The day's clock

    def advance_to(self, moment: datetime) -> None:
        """Move the clock; never back."""
        offset_s = (moment - clock.real_now()).total_seconds()
        clock.advance_file(self.clock_file, offset_s)
        clock.use(offset_file=str(self.clock_file), error_s=0)

    # People

    def token(self, person: str, *grants: Grant) -> dict[str, str]:
        made = auth.issue(
            person_id=person,
            number="430211-000001",
            grants=grants,
            key=("k1", bytes(range(32))),
            now=clock.real_now(),
            lifetime=timedelta(minutes=30),
        )
        return {"Authorization": f"Bearer {made}"}

    # HTTP

    def post(
        self, path: str, body: Any = None, *, by: dict[str, str], key: str = "", **headers: str
    ) -> TestResponse:
        named = {"Idempotency-Key": key or ids.new_id(), **headers}
        return self.app.test_client().post(f"/v1{path}", json=body or {}, headers={**by, **named})

    def insist(self, path: str, *, by: dict[str, str]) -> TestResponse:
        """Ask with one key until there is an answer: who gets 503 repeats."""
        key = ids.new_id()
        for _ in range(TRIES_MAX):
            answer = self.post(path, by=by, key=key)
            if answer.status_code != 503:
                return answer
            clock.sleep(0.2)
        raise AssertionError(f"no answer: {path}")

    def get(self, path: str, by: dict[str, str] | None = None, **query: Any) -> TestResponse:
        return self.app.test_client().get(f"/v1{path}", query_string=query, headers=by or {})

    # What the tests begin with

    def published(self, *slots: tuple[int, int, int], region: str = COMMUNITY) -> list[str]:
        """Publish (minutes after nine, minutes, places) each; return the shifts."""
        made = self.post(
            "/activities",
            {
                "title": "清扫社区花园",
                "region": region,
                "shifts": [
                    {
                        "starts_at": (self.nine + timedelta(minutes=after)).isoformat(),
                        "ends_at": (self.nine + timedelta(minutes=after + minutes)).isoformat(),
                        "places": places,
                    }
                    for after, minutes, places in slots or [(0, 120, 10)]
                ],
            },
            by=self.token("admin", Grant(Role.ADMIN, "430211")),
        )
        assert made.status_code == 201, made.json
        said = self.post(
            f"/activities/{read(made)['activity_id']}/publications",
            by=self.token("admin", Grant(Role.ADMIN, "430211")),
        )
        assert said.status_code == 201, said.json
        return [shift["shift_id"] for shift in read(made)["shifts"]]

    def signed_up(self, person: str, shift_id: str) -> str:
        answer = self.insist(f"/shifts/{shift_id}/sign-ups", by=self.token(person))
        assert answer.status_code == 201, answer.json
        return str(read(answer)["sign_up_id"])

    def served(self, person: str, shift_id: str, *, minutes: int = 120) -> str:
        """Let a person sign up and serve so long from nine; return the sign-up."""
        sign_up_id = self.signed_up(person, shift_id)
        self.advance_to(self.nine)
        assert self.post(f"/sign-ups/{sign_up_id}/check-ins", by=self.leader).status_code == 201
        self.advance_to(self.nine + timedelta(minutes=minutes, seconds=1))
        assert self.post(f"/sign-ups/{sign_up_id}/check-outs", by=self.leader).status_code == 201
        return sign_up_id

    def confirmed(self, person: str = "ada", *, minutes: int = 120) -> Document:
        """Let a person serve and a leader confirm it; return the record as told."""
        sign_up_id = self.served(person, self.published()[0], minutes=minutes)
        answer = self.post(f"/sign-ups/{sign_up_id}/service-records", by=self.leader)
        assert answer.status_code == 202, answer.json
        confirmed: Document = read(answer)
        return confirmed

    # The worker's parts

    def hear(self, event: events.Event, event_id: str = "") -> Sequence[DeadLetter]:
        """Hear an event as the worker does."""
        kind = type(event)
        message = Message(
            topic=events.topic_of(events.source_of(kind)),
            partition=0,
            offset=0,
            at_ms=0,
            key=None,
            headers={},
            body=b"",
        )
        heard = Heard(
            id=event_id or ids.new_id(),
            type=kind.__name__,
            event=event,
            correlation="",
            message=message,
        )
        return self.hearer.handle([heard], clock.now())

    def sweep(self, real_now: datetime | None = None) -> int:
        """Turn every sweep once; return how much they moved."""
        return sum(
            sweep(self.database, clock.now(), real_now or clock.real_now()) for sweep in SWEEPS
        )

    def at_once(self, asks: Sequence[Any], threads: int) -> list[TestResponse]:
        """Ask all, each a function without arguments, in so many threads; return the answers."""
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda ask: ask(), asks))

    def upload(
        self, content: bytes, mapping: Any, *, by: dict[str, str], key: str = ""
    ) -> TestResponse:
        text = mapping if isinstance(mapping, str) else json.dumps(mapping)
        file = FileStorage(io.BytesIO(content), "activities.csv", content_type="text/csv")
        boundary, body = encode_multipart({"file": file, "mapping": text}, boundary="-a-file-")
        return self.app.test_client().post(
            "/v1/imports",
            data=body,
            content_type=f"multipart/form-data; boundary={boundary}",
            headers={**by, "Idempotency-Key": key or ids.new_id()},
        )


@pytest.fixture
def activities(mongo: MongoServer, key_set_url: str, tmp_path: Path) -> Iterator[Activities]:
    settings = ActivitiesSettings(
        mode="embedded",
        mongo_uri=mongo.uri,
        kafka_bootstrap="127.0.0.1:1",
        jwks_url=key_set_url,
        database_prefix=f"t{ids.new_id()}_",
        slot="activities-web-0",
        web_threads=32,
        requests_a_minute=0,
        requests_a_minute_address=0,
        clock_offset_file=str(tmp_path / "clock"),
        check_in_keys=KeyRing(keys={"c1": bytes(range(32, 64))}),
    )
    app = create_app(settings)
    database = app.extensions[DATABASE]
    # Of a day to come, since the clock is moved forwards only.
    day = clock.real_now().astimezone(ZONE).date() + timedelta(days=2)
    service = Activities(
        app=app,
        database=database,
        clock_file=tmp_path / "clock",
        nine=datetime.combine(day, time(9), ZONE).astimezone(UTC),
    )
    service.advance_to(service.nine - timedelta(hours=25))
    yield service
    clock.use(offset_file=None, error_s=0)
    database.client.drop_database(database.db.name)
    database.close()
