"""The writer on a real database: each fact once, whatever happens between two lines of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, NetworkTimeout

from services.ledger import operations, repository
from services.ledger.heads import BookNotOpen
from services.ledger.model import Command, Earn, Posting
from services.ledger.operations import BookOpenOtherwise
from services.ledger.repository.copies import StatusCopy
from services.ledger.rows import Rows
from services.ledger.writer import BATCH_MAX, ClockApart, Outcome, SetAside, Writer
from shared import clock
from shared.mongo import ServiceDatabase
from tests.ledger.bookkeeper import BOOK, ZONE, Bookkeeper, capture, earn, hold, release
from tests.ledger.conftest import Connect, open_book
from tests.ledger.journals import available, book_row, check, journal, rows, truth
from tests.waiting import wait_until

pytestmark = pytest.mark.servers


class NoRows(Rows):
    """As after a crash between the insert and the rows: nothing is ever written to them."""

    def note(self, *_args: Any, **_kwargs: Any) -> None:
        return


@pytest.fixture
def writer(database: ServiceDatabase) -> Iterator[Writer]:
    writer = Writer(database)
    yield writer
    writer.close()


def post(writer: Writer, *commands: Command) -> list[Outcome]:
    return writer.post(BOOK, commands, now=clock.now())


def answer(outcome: Outcome) -> Posting:
    assert outcome.answer is not None, outcome.refusal
    return outcome.answer


def answers(outcomes: Sequence[Outcome]) -> list[Posting]:
    return [answer(outcome) for outcome in outcomes]


def test_a_book_opens_once(database):
    first = journal(database)[0]

    open_book(database)

    assert journal(database) == [first]
    assert first.id == f"open:{BOOK}"
    assert first.about["rules"] == [
        {"from": "2000-01-01", "step_minutes": 30, "step_hundredths": 50}
    ]
    with pytest.raises(BookOpenOtherwise):
        operations.open_book(database, book=BOOK, name="Elsewhere", zone=ZONE, now=clock.now())


def test_opening_again_makes_up_for_a_crash_after_the_first_posting(database):
    database.db.books.delete_one({"_id": BOOK})

    open_book(database)

    assert book_row(database).n == 1


def test_nothing_is_posted_to_a_book_that_is_not_open(empty):
    writer = Writer(empty)

    with pytest.raises(BookNotOpen):
        post(writer, earn())

    assert empty.db.journal.find_one({}) is None


def test_a_command_is_answered_by_its_posting_and_a_repeat_by_the_same(database, writer):
    (first,) = post(writer, earn(minutes=65))
    (again,) = post(writer, earn(minutes=65))
    (elsewhere,) = post(Writer(database), earn(minutes=65))

    assert not first.repeated
    assert again.repeated
    assert first.answer == again.answer == elsewhere.answer
    assert available(database, "ada") == 100
    assert len(check(database)) == 2


def test_commands_of_one_batch_see_the_earlier_ones(database, writer):
    outcomes = post(
        writer,
        earn(minutes=60),
        hold(amount=100),
        hold("order-2", amount=50),
        capture(),
        earn(minutes=60),
        release(),
    )

    refused = [posting.refused for posting in answers(outcomes)]
    assert refused == [None, None, "insufficient-points", None, None, None]
    assert outcomes[4].repeated
    assert outcomes[5].answer == outcomes[3].answer, "the capture has won"
    check(database)


def test_a_bad_command_does_not_disturb_its_neighbours(database, writer):
    outcomes = post(writer, earn("a"), earn("b:c"), capture("ghost"), earn("d"))

    assert [outcome.refusal and outcome.refusal.code for outcome in outcomes] == [
        None,
        "not-understood",
        "unknown-hold",
        None,
    ]
    assert len(check(database)) == 3


def test_more_than_a_batch_is_posted_in_batches(database, writer):
    commands = [earn(f"record-{i}") for i in range(2 * BATCH_MAX + 7)]

    outcomes = post(writer, *commands)

    assert [posting.n for posting in answers(outcomes)] == list(range(2, 2 * BATCH_MAX + 9))
    check(database)


def test_a_late_correction_fills_the_places_below_it(database, writer):
    post(writer, earn(version=1, minutes=60))
    post(writer, earn(version=5, minutes=120))

    late = post(writer, *(earn(version=version, minutes=999) for version in (2, 3, 4)))

    assert {posting.refused for posting in answers(late)} == {"superseded"}
    assert available(database, "ada") == 200
    assert len(check(database)) == 6


def test_the_status_of_a_person_decides_without_being_kept(database, writer):
    post(writer, earn(minutes=120))
    frozen = StatusCopy(volunteer_id="ada", version=2, status="frozen")
    repository.copies.keep(database, [frozen])
    (refused,) = post(writer, hold("a"))
    freed = StatusCopy(volunteer_id="ada", version=3, status="active")
    repository.copies.keep(database, [freed, frozen])
    (placed,) = post(writer, hold("b"))

    assert answer(refused).refused == "account-frozen"
    assert answer(placed).refused is None


def test_many_restricted_persons_are_looked_up_by_their_ids(database, writer):
    crowd = [StatusCopy(volunteer_id=f"person-{i}", version=1, status="closed") for i in range(120)]
    repository.copies.keep(database, crowd)
    post(writer, earn(volunteer="ada"), earn("b", volunteer="person-7"))

    assert available(database, "ada") == 100
    assert available(database, "main", "unclaimed") == 100


def test_rows_follow_within_a_moment_and_are_never_ahead(database, writer):
    post(writer, earn(minutes=60), hold(amount=50))
    wait_until(lambda: rows(database).get(f"{BOOK}:volunteer:ada") == truth(database, "ada"), 2)

    assert book_row(database).n == 3


def test_a_balance_is_true_while_its_row_lags(database):
    Writer(database, rows=NoRows(database)).post(
        BOOK, [earn(minutes=120), hold(amount=50)], now=clock.now()
    )

    assert rows(database) == {}
    assert available(database, "ada") == 150

    late = Writer(database)
    (outcome,) = late.post(BOOK, [hold("order-2", amount=200)], now=clock.now())
    assert answer(outcome).refused == "insufficient-points"
    late.close()
    check(database)


def test_rows_that_a_crash_left_behind_are_made_up_by_the_next_posting(database, writer):
    Writer(database, rows=NoRows(database)).post(BOOK, [earn("a")], now=clock.now())

    post(writer, earn("b"))
    writer.close()

    assert rows(database)[f"{BOOK}:volunteer:ada"] == truth(database, "ada")


def test_an_older_row_never_replaces_a_newer_one(database, writer):
    post(writer, earn("a"))
    older = truth(database, "ada")
    post(writer, earn("b"))
    writer.close()
    newer = rows(database)[older.id]

    repository.accounts.replace(database, [older])

    assert rows(database)[older.id] == newer


class Trouble:
    """Lets inserts do their work and then fail, or fail and do nothing, as a cut line would."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.plan: list[tuple[str, int]] = []
        self.seen = 0
        real = repository.journal.append

        def append(database: ServiceDatabase, postings: Sequence[Posting]) -> None:
            self.seen += 1
            if not self.plan:
                return real(database, postings)
            kind, count = self.plan.pop(0)
            if count:
                real(database, postings[:count])
            error: Exception = repository.journal.NotAppended(kind)
            if kind == "crash":
                error = KeyboardInterrupt()  # type: ignore[assignment]
            raise error

        monkeypatch.setattr(repository.journal, "append", append)


@pytest.mark.parametrize("inserted", [0, 1, 3])
@pytest.mark.parametrize("kind", ["time-out", "crash"])
def test_an_insert_whose_answer_is_lost_loses_and_doubles_nothing(
    database, writer, monkeypatch, inserted, kind
):
    post(writer, earn("warm", minutes=60))
    trouble = Trouble(monkeypatch)
    trouble.plan = [(kind, inserted)]
    commands = [earn("a", minutes=60), hold("o", amount=150), earn("b", minutes=30)]

    if kind == "crash":
        with pytest.raises(KeyboardInterrupt):
            post(writer, *commands)
    outcomes = post(writer, *commands)

    assert [posting.id for posting in answers(outcomes)] == ["earn:a:1", "hold:o", "earn:b:1"]
    assert available(database, "ada") == 100
    assert len(check(database)) == 5


@pytest.mark.parametrize("error", [AutoReconnect("cut"), NetworkTimeout("late")])
def test_the_drivers_own_errors_are_all_met_alike(database, writer, monkeypatch, error):
    real = type(database.db.journal).insert_many
    failing = [True]

    def insert_many(self: Any, documents: Any, **kwargs: Any) -> Any:
        result = real(self, documents, **kwargs)
        if failing and failing.pop():
            raise error
        return result

    monkeypatch.setattr(type(database.db.journal), "insert_many", insert_many)
    (outcome,) = post(writer, earn())

    assert answer(outcome).n == 2
    assert len(check(database)) == 2


def test_without_progress_it_waits_and_then_goes_on(database, writer, monkeypatch):
    trouble = Trouble(monkeypatch)
    trouble.plan = [("cut", 0)] * 11
    slept: list[float] = []
    monkeypatch.setattr(clock, "sleep", slept.append)

    (outcome,) = post(writer, earn())

    assert answer(outcome).n == 2
    assert len(slept) == 1


def test_a_writer_that_slept_goes_on_from_where_the_book_is(database, writer, connect: Connect):
    post(writer, earn("a", minutes=60))
    other = Writer(connect("ledger-1"))
    for i in range(60):
        other.post(BOOK, [hold(f"order-{i}", amount=1)], now=clock.now())
    other.close()

    (outcome,) = post(writer, hold("too-much", amount=41))

    assert answer(outcome).refused == "insufficient-points"
    check(database)


def test_accounts_that_others_moved_are_looked_at_anew(database, writer, connect: Connect):
    post(writer, earn("a", minutes=60), earn("b", minutes=60, volunteer="bo"))
    other = Writer(connect("ledger-1"))
    other.post(BOOK, [hold("order-1", amount=80)], now=clock.now())
    other.close()

    # The first meets the other's number and reads forward; the second is about what moved there.
    post(writer, hold("order-2", amount=1, volunteer="bo"))
    (outcome,) = post(writer, hold("order-3", amount=50))

    assert answer(outcome).refused == "insufficient-points"
    check(database)


def test_a_row_that_is_ahead_of_a_writer_is_not_believed_too_early(database, writer, connect):
    post(writer, earn("a", minutes=60))
    other = Writer(connect("ledger-1"))
    other.post(BOOK, [earn("b", minutes=60, volunteer="bo")], now=clock.now())
    other.close()

    (outcome,) = post(writer, hold(volunteer="bo", amount=100))

    assert answer(outcome).n == 4
    check(database)


def test_a_writer_that_comes_between_is_no_fault_of_the_book(
    database, writer, connect: Connect, monkeypatch: pytest.MonkeyPatch
):
    post(writer, earn("a", minutes=60))
    other = Writer(connect("ledger-1"))
    coming = [hold("order-1", amount=10), hold("order-2", amount=10)]
    look_up = repository.journal.by_ids

    def by_ids(database: ServiceDatabase, ids: Iterable[str]) -> dict[str, Posting]:
        wanted = list(ids)
        # Each time just before this writer looks its facts up, after it has read forward.
        if coming and database is not other._database and "hold:order-1" in wanted:
            other.post(BOOK, [coming.pop(0)], now=clock.now())
        return look_up(database, wanted)

    monkeypatch.setattr(repository.journal, "by_ids", by_ids)
    outcomes = post(writer, release("order-1"), release("order-2"))
    other.close()

    assert [posting.about["released"] for posting in answers(outcomes)] == [10, 10]
    check(database)


def test_two_writers_at_once_post_each_command_once(database, connect: Connect):
    people = [f"person-{i}" for i in range(8)]
    earnings = [earn(f"record-{i}", volunteer=people[i % 8], minutes=90) for i in range(120)]
    orders = [(f"order-{i}", people[i % 8]) for i in range(160)]
    holds = [hold(order, volunteer=who, amount=150) for order, who in orders]
    ends: list[Command] = []
    for i, (order, who) in enumerate(orders):
        ends += [capture(order, volunteer=who, amount=150, merchant=f"shop-{i % 3}")]
        ends += [release(order, volunteer=who)]
    answered: list[dict[str, str]] = []
    failures: list[Exception] = []

    def run(seed: int) -> None:
        choose = random.Random(seed)
        own = Writer(connect(f"ledger-{seed}"))
        given: dict[str, str] = {}
        try:
            for stage in (earnings, holds, ends, earnings + holds):
                told = [*stage, *choose.sample(stage, len(stage) // 3)]
                choose.shuffle(told)
                while told:
                    size = choose.randint(1, BATCH_MAX)
                    some, told = told[:size], told[size:]
                    for outcome in own.post(BOOK, some, now=clock.now()):
                        if outcome.answer is not None:
                            key = f"{outcome.command.fact} {outcome.command.id}"
                            assert given.setdefault(key, outcome.answer.id) == outcome.answer.id
        except Exception as error:  # noqa: BLE001 - shown by the test that waits for it
            failures.append(error)
        finally:
            own.close()
            answered.append(given)

    threads = [threading.Thread(target=run, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)

    assert not failures
    postings = check(database)
    assert len([p for p in postings if p.kind == "earn"]) == len(earnings)
    placed = [p for p in postings if p.id.startswith("hold:")]
    ended = [p for p in postings if p.id.startswith("end:")]
    assert {p.id.partition(":")[2] for p in placed} <= {p.id.partition(":")[2] for p in ended}
    for key in answered[0].keys() & answered[1].keys():
        assert answered[0][key] == answered[1][key]
    for account in rows(database).values():
        kind, _, holder = account.id.partition(":")[2].partition(":")
        assert account == truth(database, holder, kind)


@contextmanager
def wrong_clock(minutes: float) -> Iterator[None]:
    clock.use(offset_file=None, error_s=minutes * 60)
    try:
        yield
    finally:
        clock.use(offset_file=None, error_s=0.0)


def test_a_writer_whose_clock_is_wrong_posts_nothing_until_it_is_right(database):
    writer = Writer(database)
    with wrong_clock(minutes=6), pytest.raises(ClockApart):
        post(writer, earn())
    assert len(journal(database)) == 1
    assert database.db.alarms.find_one({"kind": "clock-apart"})["count"] == 1

    with wrong_clock(minutes=4):
        (outcome,) = post(writer, earn())
    assert answer(outcome).n == 2
    writer.close()


def test_a_book_that_fails_a_check_is_set_aside_until_an_operator_puts_it_back(database, writer):
    post(writer, earn("a"), earn("b"))
    tampered = {"_id": "earn:b:1"}
    good = database.db.journal.find_one(tampered)
    database.db.journal.update_one(tampered, {"$set": {"lines.0.amount": -99}})
    late = Writer(database)

    with pytest.raises(SetAside):
        post(late, earn("c"))
    with pytest.raises(SetAside):
        post(late, earn("c"))
    assert database.db.alarms.find_one({"kind": "book-set-aside"})["about"] == BOOK

    database.db.journal.replace_one(tampered, good)
    operations.put_back(database, book=BOOK)
    (outcome,) = post(late, earn("c"))
    assert answer(outcome).n == 4
    late.close()


def test_what_another_writer_posted_is_checked_when_it_is_read(database, writer, monkeypatch):
    slept = Writer(database)
    post(slept, earn("a"))
    # Its rows stay behind: whoever looks again begins where they are.
    monkeypatch.setattr(writer.rows, "note", lambda *_, **__: None)
    post(writer, earn("b"), earn("c"))
    # In the middle of what is read forward, where no hint points.
    database.db.journal.update_one({"_id": "earn:b:1"}, {"$set": {"about.minutes": 9_999}})

    with pytest.raises(SetAside):
        post(slept, earn("d"))

    assert "3" in database.db.alarms.find_one({"kind": "book-set-aside"})["detail"]
    assert database.db.journal.find_one({"_id": "earn:d:1"}) is None
    slept.close()


def test_a_fault_of_our_own_sets_one_command_aside(database, writer, monkeypatch):
    real = Earn.same_as

    def same_as(self: Earn, standing: Posting) -> bool:
        if self.record == "poison":
            raise KeyError("a fault of ours")
        return real(self, standing)

    post(writer, earn("poison"))
    monkeypatch.setattr(Earn, "same_as", same_as)
    monkeypatch.setattr(Earn, "further_ids", lambda _self, _facts: ())

    outcomes = post(writer, earn("a"), earn("poison"), earn("b"))

    assert [o.refusal and o.refusal.code for o in outcomes] == [None, "unforeseen", None]


def test_the_journal_and_the_pure_book_agree(database, writer):
    keeper = Bookkeeper()
    commands = [
        earn("a", minutes=90),
        hold("o", amount=100),
        earn("a", 2, minutes=30),
        capture("o", amount=60),
        release("p"),
        hold("p"),
        earn("a", 2, minutes=45, id="stranger"),
    ]
    outcomes = post(writer, *commands)

    for posted, command in zip(answers(outcomes), commands, strict=True):
        expected = keeper.post(command)
        assert posted.id == expected.id
        assert posted.lines == [
            {**line, "lot": posted.lines[i]["lot"]} for i, line in enumerate(expected.lines)
        ]


def test_time_that_jumps_back_leaves_the_book_in_order(database, writer):
    later = clock.now() + timedelta(minutes=10)
    writer.post(BOOK, [earn("a")], now=later)
    post(writer, earn("b"))

    check(database)
