"""Statement pages: the newest postings of an account, found without reading many more."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from services.ledger import operations, repository
from services.ledger.model import Account
from shared.auth import Grant, Principal, Role
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK

pytestmark = pytest.mark.servers
ADA = f"{BOOK}:volunteer:ada"
LIMIT = 51


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[range]:
    """Return the numbers between which the account's postings are read, look by look."""
    looked: list[range] = []
    real = repository.journal._journal

    class Noted:
        def __init__(self, database: ServiceDatabase) -> None:
            self._journal = real(database)

        def find(self, wanted: dict[str, Any]) -> Any:
            low, high = wanted["n"].get("$gte"), wanted["n"].get("$lt")
            if low is not None:
                looked.append(range(low, high))
            return self._journal.find(wanted)

    monkeypatch.setattr(repository.journal, "_journal", Noted)
    return looked


def journal_of(database: ServiceDatabase, numbers: Sequence[int]) -> None:
    """Write one account's postings, as bare as they can be; the others' are not looked at."""
    bare = {"book": BOOK, "accounts": [ADA], "at": 0, "kind": "earn", "about": {}, "lines": []}
    database.db.journal.insert_many([{**bare, "_id": f"fact-{n}", "n": n} for n in numbers])


@pytest.mark.parametrize("apart", [1, 3, 20, 200, 2_000])
def test_a_page_reads_hardly_more_of_an_account_than_it_shows(empty, reads, apart):
    numbers = [*range(apart, 400 * apart, apart)]
    journal_of(empty, numbers)

    repository.journal.latest_touching(empty, ADA, before=numbers[-1] + 1, limit=LIMIT)

    # The embedded server reads all that lies in a window, whatever the limit.
    read = sum(n in window for window in reads for n in numbers)
    assert LIMIT <= read <= 2 * LIMIT
    assert len(reads) <= 6


def test_a_gap_of_years_behind_many_entries_is_passed_in_a_few_looks(empty, reads):
    numbers = [1, *range(1_000_000, 1_000_000 + LIMIT - 1)]
    journal_of(empty, numbers)

    found = repository.journal.latest_touching(empty, ADA, before=numbers[-1] + 1, limit=LIMIT)

    assert len(found) == LIMIT
    assert len(reads) <= 12


@pytest.mark.parametrize("seed", range(3))
def test_a_page_is_the_newest_below_a_number_whatever_the_gaps(empty, seed):
    choose = random.Random(seed)
    numbers = [1]
    while len(numbers) < 150:
        numbers.append(numbers[-1] + choose.choice([1, 1, 1, 2, 50, 5_000]))
    journal_of(empty, numbers)

    for _ in range(20):
        before, limit = choose.randint(1, numbers[-1] + 1), choose.choice([1, 2, 21, 51, 201])
        found = repository.journal.latest_touching(empty, ADA, before=before, limit=limit)
        below = [n for n in reversed(numbers) if n < before]
        assert [posting.n for posting in found] == below[:limit]


def test_a_page_asked_for_from_far_above_the_newest_line_begins_there(empty, reads):
    numbers = [*range(200, 80_000, 200)]
    journal_of(empty, numbers)
    repository.accounts.replace(empty, [Account(ADA, n=numbers[-1])])
    ada = Principal(person_id="ada", number="1", roles=(Grant(Role.VOLUNTEER, ""),))

    page = operations.own_statement(empty, who=ada, book=BOOK, before=2**52, limit=LIMIT)

    assert [entry["n"] for entry in page] == numbers[: -LIMIT - 1 : -1]
    assert sum(n in window for window in reads for n in numbers) <= 2 * LIMIT
