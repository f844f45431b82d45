"""``verify`` replays a book and names the first number that is not as it was posted."""

from __future__ import annotations

from typing import Any

import pytest

from services.ledger import __main__ as command_line
from services.ledger import operations, repository
from services.ledger.model import chained
from services.ledger.operations import Verdict
from services.ledger.writer import Writer
from shared import clock
from shared.errors import NotThere
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK, capture, earn, hold
from tests.ledger.conftest import open_book
from tests.ledger.journals import book_row

pytestmark = pytest.mark.servers


@pytest.fixture
def posted(database: ServiceDatabase) -> ServiceDatabase:
    """Return a database whose book has eight postings, rows written."""
    writer = Writer(database)
    commands = [earn(f"record-{i}", minutes=60) for i in range(4)]
    writer.post(
        BOOK, [*commands, hold(amount=150), capture(amount=150), earn("last")], now=clock.now()
    )
    writer.close()
    return database


def verify(database: ServiceDatabase) -> Verdict:
    return operations.verify(database, book=BOOK, progress=lambda _n, _of: None)


def change(database: ServiceDatabase, n: int, **values: Any) -> None:
    database.db.journal.update_one({"book": BOOK, "n": n}, {"$set": values})


def test_a_sound_book_is_sound(posted):
    assert verify(posted) == Verdict(book=BOOK, postings=8)
    with pytest.raises(NotThere):
        operations.verify(posted, book="999999", progress=lambda _n, _of: None)


def test_it_reads_windows_to_the_end(posted, monkeypatch):
    monkeypatch.setattr("services.ledger.operations.verifying.WINDOW", 3)

    assert verify(posted).postings == 8


@pytest.mark.parametrize(
    "values",
    [
        {"lines.1.amount": 1},
        {"about.earned": 5},
        {"at": 0},
        {"cause.id": "another"},
        {"accounts": []},
        {"hash": "0" * 64},
        {"refused": "insufficient-points"},
        {"lines.1.balance": 100.5},
    ],
)
def test_an_edited_posting_is_named(posted, values):
    change(posted, 3, **values)

    verdict = verify(posted)

    assert not verdict.sound
    assert verdict.first_bad in (3, 4)


def test_an_edited_posting_that_was_hashed_anew_breaks_the_next_one(posted):
    document = posted.db.journal.find_one({"book": BOOK, "n": 3})
    document["about"]["earned"] = 5
    document["hash"] = chained(document["prev"], document)
    posted.db.journal.replace_one({"_id": document["_id"]}, document)

    assert verify(posted).first_bad == 4


def test_value_out_of_nothing_is_named_even_where_the_whole_chain_was_made_anew(posted):
    prev = ""
    for document in list(posted.db.journal.find({"book": BOOK}).sort("n", 1)):
        if document["n"] == 3:
            for line in document["lines"]:
                line["amount"] *= 2
        document["prev"] = prev or document["prev"]
        prev = document["hash"] = chained(document["prev"], document)
        posted.db.journal.replace_one({"_id": document["_id"]}, document)

    assert verify(posted).first_bad == 3


def test_a_deleted_posting_is_named(posted):
    posted.db.journal.delete_one({"book": BOOK, "n": 4})

    assert verify(posted).first_bad == 4


def test_deleted_postings_at_the_end_are_named(posted):
    posted.db.journal.delete_many({"book": BOOK, "n": {"$gte": 7}})

    assert verify(posted).first_bad == 7


def test_a_wide_gap_is_named(posted, monkeypatch):
    monkeypatch.setattr("services.ledger.operations.verifying.WINDOW", 2)
    posted.db.journal.delete_many({"book": BOOK, "n": {"$gte": 3, "$lte": 7}})

    assert verify(posted).first_bad == 3


def test_an_inserted_posting_is_named(posted):
    document = posted.db.journal.find_one({"book": BOOK, "n": 8})
    forged = {**document, "_id": "earn:forged:1", "n": 9}
    posted.db.journal.insert_one(forged)

    assert verify(posted).first_bad == 9


def test_swapped_postings_are_named(posted):
    for old, new in ((3, 1_000), (4, 3), (1_000, 4)):
        posted.db.journal.update_one({"book": BOOK, "n": old}, {"$set": {"n": new}})

    assert verify(posted).first_bad == 3


def test_a_changed_balance_row_is_named(posted):
    posted.db.accounts.update_one(
        {"_id": f"{BOOK}:merchant:shop"}, {"$set": {"balances.point.available.-": 10**6}}
    )

    verdict = verify(posted)

    assert verdict.first_bad == 7
    assert "merchant:shop" in verdict.why


def test_a_balance_row_of_nobody_is_named(posted):
    row = {"_id": f"{BOOK}:volunteer:ghost", "book": BOOK, "n": 5, "balances": {}}
    posted.db.accounts.insert_one(row)

    assert verify(posted).first_bad == 5


def test_changed_totals_are_named(posted):
    posted.db.books.update_one({"_id": BOOK}, {"$set": {"totals.mint.point.available": 0}})

    assert verify(posted).first_bad == 8


def test_rows_that_lag_are_no_fault(posted):
    writer = Writer(posted)
    repository.accounts.replace(posted, [])
    posted.db.accounts.delete_many({})
    writer.post(BOOK, [earn("more")], now=clock.now())

    assert verify(posted).sound
    writer.close()


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def environment(self, posted: ServiceDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = posted.settings
        monkeypatch.setenv("GONGXIANG_MODE", "embedded")
        monkeypatch.setenv("GONGXIANG_MONGO_URI", settings.mongo_uri)
        monkeypatch.setenv("GONGXIANG_KAFKA_BOOTSTRAP", settings.kafka_bootstrap)
        monkeypatch.setenv("GONGXIANG_JWKS_URL", "")
        monkeypatch.setenv("GONGXIANG_DATABASE_PREFIX", settings.database_prefix)

    def test_it_says_that_every_book_is_sound(self, posted, capsys):
        open_book(posted, "430202")

        assert command_line.main(["verify"]) == 0
        assert [line[:6] for line in capsys.readouterr().out.splitlines()] == ["430202", BOOK]

    def test_it_names_the_first_bad_number_and_fails(self, posted, capsys):
        change(posted, 3, at=0)

        assert command_line.main(["verify", "--book", BOOK]) == 1
        assert "posting 3" in capsys.readouterr().out

    def test_it_fails_for_a_book_that_is_not_there(self):
        assert command_line.main(["verify", "--book", "999999"]) == 1

    def test_a_book_that_was_set_aside_is_put_back_only_if_it_is_sound(self, posted):
        repository.books.set_aside(posted, BOOK, n=3, why="a test")
        good = posted.db.journal.find_one({"n": 3})
        change(posted, 3, at=0)
        assert command_line.main(["resume", "--book", BOOK]) == 1
        assert book_row(posted).set_aside is not None

        posted.db.journal.replace_one({"_id": good["_id"]}, good)
        assert command_line.main(["resume", "--book", BOOK]) == 0
        assert book_row(posted).set_aside is None
