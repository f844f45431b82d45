"""A small service of our own making: one counter, and routes of every kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from deploy.embedded.servers import MongoServer
from shared import auth, clock, ids
from shared.auth import Grant, KnownKeys, Principal, Role, Verifier
from shared.errors import Refusal
from shared.mongo import ServiceDatabase, UnitOfWork, ensure_indexes
from shared.settings import Settings
from shared.web import (
    Blueprint,
    Page,
    PageQuery,
    Schema,
    Waiter,
    body_limit,
    create_app,
    etag,
    fields,
    if_match,
    keyless,
    once,
    page,
    principal,
    public,
    requires,
    service_db,
)

SEED = bytes(range(32))
DISTRICT = "430211"


class OutOfThings(Refusal):
    """None is left."""

    status = 409
    title = "没有了 · None left"


class TooOften(Refusal):
    """Asked too often."""

    status = 429
    title = "太多次 · Too often"


class TakeThings(Schema):
    pieces = fields.Count(1, 10, required=True)
    note = fields.Text(20, load_default=None)
    starts_at = fields.When(load_default=None)


class Heap(Schema):
    heap = fields.Text(6 * 1024 * 1024)


class Thing(Schema):
    thing_id = fields.Id()
    pieces = fields.Count()
    state = fields.Text()
    taken_at = fields.When()


THINGS = Waiter(service_db, "things", done=lambda thing: thing["state"] != "ASKED")


@dataclass
class Shop:
    """The service under test, with a switch to make its next unit of work behave oddly."""

    database: ServiceDatabase
    app: Flask
    before_answer: Callable[[UnitOfWork], None] = field(default=lambda _work: None)
    look: Callable[[UnitOfWork], None] = field(default=lambda _work: None)

    @property
    def client(self) -> FlaskClient:
        """A client of its own for each ask: threads may not share one."""
        return self.app.test_client()

    def token(self, person: str = "ada", *grants: Grant) -> dict[str, str]:
        made = auth.issue(
            person_id=person,
            number="430211-1",
            grants=grants,
            key=("k1", SEED),
            now=clock.real_now(),
            lifetime=timedelta(minutes=5),
        )
        return {"Authorization": f"Bearer {made}"}

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        key: str | None = "new",
        person: str = "ada",
        headers: dict[str, str] | None = None,
    ) -> Any:
        named = {} if key is None else {"Idempotency-Key": ids.new_id() if key == "new" else key}
        return self.client.post(
            path, json=body, headers={**self.token(person), **named, **(headers or {})}
        )

    @property
    def taken(self) -> int:
        return sum(thing["pieces"] for thing in self.database.db.things.find())

    @property
    def answers(self) -> list[dict[str, Any]]:
        return list(self.database.db.answers.find())


def routes(shop: Callable[[], Shop]) -> Blueprint:
    things = Blueprint("things", __name__, url_prefix="/v1")

    def take(work: UnitOfWork, who: Principal, pieces: int) -> dict[str, Any]:
        if pieces > 5:
            raise OutOfThings("只剩五件 · Only five are left", left=5)
        thing = {"_id": ids.new_id(), "pieces": pieces, "state": "ASKED", "by": who.person_id}
        work.db.things.insert_one(thing, session=work.session)
        shop().before_answer(work)
        return {
            "thing_id": thing["_id"],
            "pieces": pieces,
            "state": "ASKED",
            "taken_at": clock.now(),
        }

    def as_it_is(answer: dict[str, Any]) -> dict[str, Any]:
        thing = service_db().db.things.find_one({"_id": answer["thing_id"]})
        assert thing is not None
        return {**answer, "state": thing["state"]}

    @things.post("/things")
    @requires(Role.VOLUNTEER)
    @things.arguments(TakeThings)
    @things.response(201, Thing)
    def take_thing(body: dict[str, Any]) -> Any:
        """Take some things."""
        return once(lambda work: take(work, principal(), body["pieces"]))

    @things.post("/wishes")
    @requires(Role.VOLUNTEER)
    @things.arguments(TakeThings)
    @things.response(202, Thing)
    def wish_thing(body: dict[str, Any]) -> Any:
        return once(
            lambda work: take(work, principal(), body["pieces"]),
            status=202,
            holding="thing:1",
            renew=as_it_is,
            wait=lambda answer, seconds: THINGS.wait(answer["thing_id"], seconds),
        )

    @things.post("/last-things")
    @requires(Role.VOLUNTEER)
    @things.arguments(TakeThings)
    @things.response(201, Thing)
    def take_last_thing(body: dict[str, Any]) -> Any:
        return once(
            lambda work: take(work, principal(), body["pieces"]),
            holding="thing:last",
            look=lambda work: shop().look(work),
        )

    @things.post("/guesses")
    @requires(Role.VOLUNTEER)
    @things.response(204)
    def guess() -> Any:
        def wrong(_work: UnitOfWork) -> None:
            refusal = OutOfThings()
            refusal.leave = lambda work: work.db.things.insert_one(  # type: ignore[attr-defined]
                {"_id": ids.new_id(), "pieces": 1}, session=work.session
            )
            raise refusal

        return once(wrong)

    @things.post("/floods")
    @requires(Role.VOLUNTEER)
    @things.response(204)
    def flood() -> Any:
        def refuse(_work: UnitOfWork) -> None:
            raise TooOften(retry_after=7)

        return once(refuse)

    @things.post("/things/<thing_id>/endings")
    @requires(Role.VOLUNTEER)
    @things.response(204)
    def end_thing(thing_id: str) -> Any:
        def end(work: UnitOfWork) -> None:
            work.db.things.delete_one({"_id": thing_id}, session=work.session)

        return once(end, status=204)

    @things.post("/lookups")
    @requires(Role.ADMIN, Role.AUDITOR)
    @keyless
    @things.arguments(TakeThings)
    @things.response(200, Thing)
    def look_up(body: dict[str, Any]) -> dict[str, Any]:
        return {"pieces": body["pieces"]}

    @things.post("/imports")
    @requires(Role.VOLUNTEER)
    @body_limit(5 * 1024 * 1024)
    @things.arguments(Heap)
    @things.response(204)
    def big(_body: dict[str, Any]) -> Any:
        return once(lambda _work: None, status=204)

    @things.get("/things")
    @public
    @things.arguments(PageQuery, location="query")
    @things.response(200, Page(Thing))
    def list_things(query: dict[str, Any]) -> dict[str, Any]:
        rows = service_db().db.things.find().sort("_id").limit(query["limit"] + 1)
        found = [{"thing_id": row["_id"], "pieces": row["pieces"]} for row in rows]
        return page(found, query["limit"], key=lambda thing: thing["thing_id"])

    @things.get("/tagged")
    @public
    @things.response(200, Thing)
    def tagged() -> dict[str, Any]:
        etag(3)
        return {"pieces": 3}

    @things.patch("/tagged")
    @public
    @things.response(200, Thing)
    def change_tagged() -> dict[str, Any]:
        if_match(3)
        return {"pieces": 4}

    @things.get("/troubles/<kind>")
    @public
    def trouble(kind: str) -> Any:
        raise TROUBLES[kind]

    return things


TROUBLES: dict[str, Exception] = {}


@pytest.fixture
def database(mongo: MongoServer) -> Iterator[ServiceDatabase]:
    settings = Settings(
        mode="embedded",
        mongo_uri=mongo.uri,
        kafka_bootstrap="127.0.0.1:1",
        jwks_url="http://127.0.0.1:1/",
        database_prefix=f"t{ids.new_id().lower()}_",
        slot=f"test-{threading.get_ident()}",
        requests_a_minute=0,
        requests_a_minute_address=0,
    )
    database = ServiceDatabase.connect(settings, "store")
    ensure_indexes(database.db, {"things": []})
    yield database
    database.client.drop_database(database.db.name)
    database.close()


@pytest.fixture
def shop(database: ServiceDatabase) -> Shop:
    held: list[Shop] = []
    app = create_app(
        database.settings,
        service="store",
        database=database,
        blueprints=[routes(lambda: held[0])],
        verifier=Verifier(KnownKeys({"k1": SEED})),
    )
    held.append(Shop(database, app))
    return held[0]
