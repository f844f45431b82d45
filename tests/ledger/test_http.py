"""The ledger's HTTP: balances, statements, postings, books; who may see which."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from services.ledger import repository
from services.ledger.model import chained
from services.ledger.routes import books
from services.ledger.rows import Rows
from services.ledger.writer import Writer
from shared import auth, clock, web
from shared.auth import Grant, KnownKeys, Role, Verifier
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK, capture, earn, hold, release
from tests.ledger.conftest import open_book

pytestmark = pytest.mark.servers

SEED = bytes(range(32))
AUDITOR = Grant(Role.AUDITOR, BOOK)
Get = Callable[..., Any]


@pytest.fixture
def app(database: ServiceDatabase) -> Flask:
    verifier = Verifier(KnownKeys({"k1": SEED}))
    return web.create_app(
        database.settings,
        service="ledger",
        database=database,
        blueprints=[books],
        verifier=verifier,
    )


@pytest.fixture
def get(app: Flask) -> Get:
    """Return ``get(path, by="ada", grants=(), **headers)``."""

    def get(path: str, by: str = "ada", *grants: Grant, **headers: str) -> Any:
        token = auth.issue(
            person_id=by,
            number="430211-1",
            grants=grants,
            key=("k1", SEED),
            now=clock.real_now(),
            lifetime=timedelta(minutes=5),
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named["Authorization"] = f"Bearer {token}"
        return app.test_client().get(f"/v1{path}", headers=named)

    return get


@pytest.fixture
def writer(database: ServiceDatabase) -> Writer:
    return Writer(database, rows=Rows(database))


def post(writer: Writer, *commands: Any) -> None:
    writer.post(BOOK, commands, now=clock.now())
    writer.close()


def test_a_balance_says_what_is_there_and_at_which_number(get, writer):
    post(writer, earn(minutes=120), hold(amount=50), earn("other", volunteer="bo"))

    answer = get(f"/books/{BOOK}/balances/me")

    year = str(clock.now().year + 1)
    assert answer.status_code == 200
    assert answer.json == {
        "book": BOOK,
        "account": f"{BOOK}:volunteer:ada",
        "unit": "point",
        "available": 150,
        "held": 50,
        "pending": 0,
        "debt": 0,
        "lots": [{"lot": f"{year}-12", "available": 150, "held": 50, "pending": 0, "debt": 0}],
        "n": 3,
    }


def test_who_never_earned_has_nothing_and_an_unknown_book_is_not_there(get):
    answer = get(f"/books/{BOOK}/balances/me")

    assert (answer.json["available"], answer.json["lots"], answer.json["n"]) == (0, [], 0)
    assert get("/books/999999/balances/me").status_code == 404
    assert get("/books/999999/statements/me").status_code == 404
    assert get("/books/999999").status_code == 404


def test_a_balance_is_true_before_its_row_is_written(get, database):
    class NoRows(Rows):
        def note(self, *_args: Any, **_kwargs: Any) -> None:
            return

    post(Writer(database, rows=NoRows(database)), earn(minutes=60))

    assert get(f"/books/{BOOK}/balances/me").json["available"] == 100


def test_a_debt_is_shown(get, writer):
    post(writer, earn(minutes=60), hold(), capture(), earn(version=2, minutes=0))

    answer = get(f"/books/{BOOK}/balances/me").json

    assert (answer["available"], answer["debt"]) == (0, -100)


def test_an_unchanged_balance_is_not_sent_again(get, writer):
    post(writer, earn(minutes=60))
    tag = get(f"/books/{BOOK}/balances/me").headers["ETag"]

    assert get(f"/books/{BOOK}/balances/me", If_None_Match=tag).status_code == 304
    post(writer, earn("other", volunteer="bo"))
    assert get(f"/books/{BOOK}/balances/me", If_None_Match=tag).status_code == 304
    post(writer, earn("more"))
    assert get(f"/books/{BOOK}/balances/me", If_None_Match=tag).status_code == 200


def test_at_least_answers_as_soon_as_the_journal_holds_the_number(get, writer):
    post(writer, earn(minutes=60), earn("other", volunteer="bo"))

    answer = get(f"/books/{BOOK}/balances/me?at_least=3")

    assert answer.status_code == 200
    assert (answer.json["available"], answer.json["n"]) == (100, 3)


def test_at_least_waits_two_seconds_and_then_says_202(get, writer):
    post(writer, earn(minutes=60))
    began = clock.monotonic()

    answer = get(f"/books/{BOOK}/balances/me?at_least=9")

    assert 1.9 < clock.monotonic() - began < 4
    assert answer.status_code == 202
    assert answer.headers["Retry-After"] == "1"
    assert answer.json["n"] == 2
    assert "ETag" not in answer.headers


def test_at_least_sees_what_is_posted_while_it_waits(get, writer):
    import threading

    later = threading.Timer(0.5, post, (writer, earn(minutes=60)))
    later.start()
    answer = get(f"/books/{BOOK}/balances/me?at_least=2")
    later.join()

    assert answer.status_code == 200
    assert answer.json["available"] == 100


@pytest.mark.parametrize(
    "query", ["at_least=0", "at_least=x", "at_least=99999999999999999999", "n=1"]
)
def test_a_query_that_cannot_be_meant_is_refused(get, query):
    assert get(f"/books/{BOOK}/balances/me?{query}").status_code == 422


def test_a_statement_pages_backwards_through_ones_own_lines(get, writer):
    post(writer, *(earn(f"record-{i}") for i in range(7)), earn("other", volunteer="bo"))
    post(writer, hold(amount=100), release())

    pages = []
    before = ""
    while True:
        answer = get(f"/books/{BOOK}/statements/me?limit=4{before}").json
        pages.append([entry["n"] for entry in answer["items"]])
        if answer["next"] is None:
            break
        before = f"&before={answer['next']}"

    assert pages == [[11, 10, 8, 7], [6, 5, 4, 3], [2]]


def test_a_statement_shows_only_ones_own_lines(get, writer):
    post(writer, earn(minutes=60), hold(amount=100), capture())

    end, placed, earned = get(f"/books/{BOOK}/statements/me").json["items"]

    lot = f"{clock.now().year + 1}-12"
    assert end["fact"] == "end:order-1"
    assert end["about"] == {"order": "order-1", "captured": 100, "released": 0}
    assert end["lines"] == [
        {"bucket": "held", "unit": "point", "lot": lot, "amount": -100, "balance": 0}
    ]
    assert [line["amount"] for line in placed["lines"]] == [-100, 100]
    assert [line["amount"] for line in earned["lines"]] == [100]
    assert earned["at"].endswith("Z")


def test_a_statement_reaches_far_back_for_a_quiet_account(get, writer, database):
    post(writer, earn("first"))
    post(writer, *(earn(f"crowd-{i}", volunteer="bo") for i in range(220)))
    post(writer, earn("second"))

    answer = get(f"/books/{BOOK}/statements/me?limit=5").json

    assert [entry["n"] for entry in answer["items"]] == [223, 2]
    busy = f"{BOOK}:mint:main"
    found = repository.journal.latest_touching(database, busy, before=2**62, limit=3)
    assert [posting.n for posting in found] in ([], [223, 222, 221])


def test_those_who_audit_the_district_see_any_account(get, writer):
    post(writer, earn(minutes=60), hold(amount=100), capture())
    shop = f"/books/{BOOK}/accounts/merchant/shop"

    assert get(f"{shop}/balance", "eve", AUDITOR).json["available"] == 100
    assert get(f"{shop}/balance", "eve", Grant(Role.ADMIN, BOOK)).status_code == 200
    assert [e["n"] for e in get(f"{shop}/statement", "eve", AUDITOR).json["items"]] == [4]
    mint = get(f"/books/{BOOK}/accounts/mint/main/balance", "eve", AUDITOR).json
    assert (mint["available"], mint["lots"]) == (-100, [])
    for nobody in ("gold/main", "volunteer/nobody"):
        path = f"/books/{BOOK}/accounts/{nobody}/balance"
        assert get(path, "eve", AUDITOR).status_code == 404


PATHS = [
    "accounts/volunteer/ada/balance",
    "accounts/volunteer/ada/statement",
    "postings",
    "postings/2",
    "trial-balance",
]


@pytest.mark.parametrize("path", PATHS)
def test_others_do_not(get, writer, path):
    post(writer, earn(minutes=60))
    elsewhere = Grant(Role.AUDITOR, "430202")
    street = Grant(Role.ADMIN, f"{BOOK}001")

    assert get(f"/books/{BOOK}/{path}").status_code == 403
    assert get(f"/books/{BOOK}/{path}", "eve", Grant(Role.MERCHANT, BOOK)).status_code == 403
    assert get(f"/books/{BOOK}/{path}", "eve", elsewhere).status_code == 404
    assert get(f"/books/{BOOK}/{path}", "eve", street).status_code == 404
    assert get(f"/books/{BOOK}/{path}", "eve", AUDITOR).status_code == 200


def test_postings_can_be_hashed_again_by_whoever_sees_them(get, writer):
    post(writer, earn(minutes=60), hold(amount=500), hold("b", amount=100), capture("b"))

    first = get(f"/books/{BOOK}/postings?limit=3", "eve", AUDITOR).json
    rest = get(f"/books/{BOOK}/postings?after={first['next']}", "eve", AUDITOR).json

    assert rest["next"] is None
    prev = "0" * 64
    for posting in first["items"] + rest["items"]:
        assert posting["prev"] == prev
        assert posting["hash"] == chained(prev, posting)
        prev = posting["hash"]
    one = get(f"/books/{BOOK}/postings/3", "eve", AUDITOR).json
    assert one == first["items"][2]
    assert one["refused"] == "insufficient-points"
    assert get(f"/books/{BOOK}/postings/99", "eve", AUDITOR).status_code == 404
    assert get(f"/books/{BOOK}/postings/x", "eve", AUDITOR).status_code == 404
    assert get("/books/999999/postings", "eve", Grant(Role.ADMIN, "999999")).status_code == 404


def test_the_trial_balance_comes_to_nothing(get, writer):
    post(writer, earn(minutes=120), hold(amount=100), capture(), hold("b", amount=50))

    answer = get(f"/books/{BOOK}/trial-balance", "eve", AUDITOR).json

    assert answer["sums"] == [
        {"kind": "merchant", "unit": "point", "bucket": "available", "amount": 100},
        {"kind": "mint", "unit": "point", "bucket": "available", "amount": -200},
        {"kind": "volunteer", "unit": "point", "bucket": "available", "amount": 50},
        {"kind": "volunteer", "unit": "point", "bucket": "held", "amount": 50},
    ]
    assert answer["totals"] == [{"unit": "point", "amount": 0}]
    assert answer["adds_up"] is True
    assert answer["n"] == 5


def test_books_are_shown_to_whoever_is_signed_in(get, writer, database, app):
    open_book(database, "430202")
    post(writer, earn(minutes=60))

    listed = get("/books").json
    assert [(row["book"], row["head"]) for row in listed["items"]] == [("430202", 1), (BOOK, 2)]
    assert get("/books?limit=1").json["next"] == "430202"
    shown = get(f"/books/{BOOK}").json
    assert (shown["head"], shown["name"], shown["zone"], shown["set_aside"]) == (
        2,
        "天元区 Tianyuan",
        "Asia/Shanghai",
        False,
    )
    assert shown["rules"] == [{"from": "2000-01-01", "step_minutes": 30, "step_hundredths": 50}]
    assert app.test_client().get("/v1/books").status_code == 401
