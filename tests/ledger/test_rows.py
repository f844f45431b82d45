"""Balance rows: replaced together in one commit, behind after a crash, never wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from services.ledger import repository
from services.ledger.model import Account
from services.ledger.writer import Writer
from shared import clock
from shared.errors import Busy
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK, earn, hold
from tests.ledger.conftest import Connect
from tests.ledger.journals import available, check, rows, truth

pytestmark = pytest.mark.servers
ADA = f"{BOOK}:volunteer:ada"


class Crash(BaseException):
    """What nothing catches: the process is gone."""


@pytest.fixture
def writer(database: ServiceDatabase) -> Iterator[Writer]:
    writer = Writer(database)
    writer.post(BOOK, [earn("a"), earn("b", volunteer="bo")], now=clock.now())
    writer.rows.write()
    yield writer
    writer.close()


def test_a_crash_while_rows_are_replaced_leaves_the_old_ones(database, writer, monkeypatch):
    before = rows(database)
    collection = type(database.db.accounts)
    insert_many = collection.insert_many

    def crash(self: Any, documents: Any, **named: Any) -> Any:
        if self.name == "accounts":
            raise Crash
        return insert_many(self, documents, **named)

    ada = Account(ADA, 99, {})
    with monkeypatch.context() as patched:
        patched.setattr(collection, "insert_many", crash)
        with pytest.raises(Crash):
            repository.accounts.replace(database, [ada])

    assert rows(database) == before
    writer.post(BOOK, [hold(amount=10)], now=clock.now())
    writer.rows.write()
    assert rows(database)[ADA] == truth(database, "ada")


def test_rows_that_another_writer_made_newer_stay_and_their_neighbours_are_replaced(
    database, writer, connect: Connect
):
    mine = rows(database)
    other = Writer(connect("ledger-1"))
    other.post(BOOK, [hold(amount=10)], now=clock.now())
    other.close()
    newer = rows(database)[ADA]
    behind = Account(f"{BOOK}:volunteer:new", 2, {("point", "available", None): 1})

    repository.accounts.replace(database, [mine[ADA], behind])

    assert rows(database)[ADA] == newer
    assert rows(database)[behind.id] == behind
    database.db.accounts.delete_one({"_id": behind.id})


def test_rows_that_a_stopped_writer_has_open_stay_behind_and_the_posting_goes_on(
    database, writer, connect: Connect
):
    stopped = connect("ledger-1")
    with stopped.client.start_session() as session:
        session.start_transaction()
        stopped.db.accounts.update_one({"_id": ADA}, {"$set": {"n": 0}}, session=session)
        began = clock.monotonic()
        for number in range(20):
            writer.post(BOOK, [hold(f"order-{number}", amount=1)], now=clock.now())
            clock.sleep(0.03)
        # Were each to wait for the rows until they are given up, it would be three seconds each.
        assert clock.monotonic() - began < 40
        with pytest.raises(Busy):
            writer.rows.write()
        assert rows(database)[ADA].n < truth(database, "ada").n
        assert available(database, "ada") == 80
        session.abort_transaction()

    writer.rows.write()
    assert rows(database)[ADA] == truth(database, "ada")
    check(database)
