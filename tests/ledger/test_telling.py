"""What is told of a posting, in which order, and again: on a real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest

from deploy.embedded.servers import KafkaServer, MongoServer
from services.ledger import repository
from services.ledger.hearer import Answers, LedgerHearer
from services.ledger.model import Posting
from services.ledger.relay import JournalRelay
from services.ledger.repository.books import Mark
from services.ledger.settings import LedgerSettings
from services.ledger.telling import Correlations, event_id, event_of
from services.ledger.writer import Writer
from shared import clock, events, ids
from shared.events import activities, ledger, store, volunteers
from shared.kafka import Admin, Message, Outgoing, Producer, read_all
from shared.mongo import ServiceDatabase
from shared.worker import Heard, Later
from tests.ledger.bookkeeper import BOOK, SPRING, Bookkeeper, capture, earn, hold, release
from tests.ledger.conftest import open_book, settings_for
from tests.ledger.journals import available, check, journal

TOPIC = "ledger.events"
STORY = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Sent:
    """A producer that keeps what it was given, and fails from the n-th message on."""

    def __init__(self, fails_from: int | None = None) -> None:
        self.outgoing: list[Outgoing] = []
        self.fails_from = fails_from

    def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
        failing = self.fails_from
        done = [failing is None or i < failing for i in range(len(outgoing))]
        self.outgoing += [event for event, ok in zip(outgoing, done, strict=True) if ok]
        return done

    def numbers(self) -> list[int]:
        return [int(event.id.split(":")[1]) for event in self.outgoing]


def relay_of(database: ServiceDatabase) -> JournalRelay:
    return JournalRelay(database, Correlations())


def tell_all(relay: JournalRelay, sent: Sent, log_id: str = "log-1") -> None:
    while relay.round(sent, log_id):  # type: ignore[arg-type]
        continue


def post(database: ServiceDatabase, *commands: object) -> None:
    writer = Writer(database)
    writer.post(BOOK, commands, now=clock.now())  # type: ignore[arg-type]
    writer.close()


def mark(database: ServiceDatabase) -> Mark:
    row = repository.books.row_of(database, BOOK)
    assert row is not None
    return row.told


def test_each_posting_tells_its_event():
    keeper = Bookkeeper()
    told = [
        event_of(keeper.post(command))
        for command in (
            earn(minutes=60),
            hold("a", amount=100),
            hold("b", amount=100),
            capture("a"),
            release("b"),
        )
    ]

    earned, placed, refused, captured, released = told
    assert isinstance(earned, ledger.PointsEarned)
    assert (earned.record_id, earned.version, earned.volunteer_id, earned.earned) == (
        "record-1",
        1,
        "ada",
        100,
    )
    assert isinstance(placed, ledger.HoldPlaced)
    assert (placed.order_id, placed.volunteer_id, placed.amount) == ("a", "ada", 100)
    assert isinstance(refused, ledger.HoldRefused)
    assert (refused.order_id, refused.reason) == ("b", "insufficient-points")
    assert isinstance(captured, ledger.HoldCaptured)
    assert (captured.order_id, captured.amount) == ("a", 100)
    assert isinstance(released, ledger.HoldReleased)
    assert (released.order_id, released.amount) == ("b", 0)


@pytest.mark.servers
class TestRelay:
    def test_tells_in_order_and_passes_over_what_nobody_waits_for(self, database):
        post(database, earn(version=1), earn(version=3), earn(version=1, minutes=1, id="x"))
        post(database, hold())
        sent = Sent()

        tell_all(relay_of(database), sent)

        assert [p.refused for p in journal(database)] == [
            None,
            None,
            "superseded",
            None,
            "posted-otherwise",
            None,
        ]
        assert sent.numbers() == [2, 4, 6]
        assert mark(database) == Mark(log="log-1", n=6)

    def test_tells_again_from_what_was_not_acknowledged(self, database):
        post(database, *(earn(f"record-{i}") for i in range(5)))
        failing = Sent(fails_from=3)
        relay = relay_of(database)

        relay.round(failing, "log-1")  # type: ignore[arg-type]
        assert mark(database) == Mark(log="log-1", n=4)

        sent = Sent()
        tell_all(relay, sent)
        assert sent.numbers() == [5, 6]

    def test_stops_at_a_gap_and_goes_on_when_it_is_filled(self, database):
        post(database, *(earn(f"record-{i}") for i in range(4)))
        late = database.db.journal.find_one({"n": 3})
        database.db.journal.delete_one({"n": 3})
        sent = Sent()

        tell_all(relay_of(database), sent)
        assert sent.numbers() == [2]

        database.db.journal.insert_one(late)
        tell_all(relay_of(database), sent)
        assert sent.numbers() == [2, 3, 4, 5]

    def test_never_goes_by_the_hint(self, database):
        post(database, *(earn(f"record-{i}") for i in range(3)))
        database.db.books.update_one({"_id": BOOK}, {"$set": {"n": 1, "totals": {}}})
        sent = Sent()

        tell_all(relay_of(database), sent)

        assert sent.numbers() == [2, 3, 4]

    def test_a_rewound_mark_is_not_undone_by_a_relay_that_slept(self, database):
        post(database, *(earn(f"record-{i}") for i in range(6)))
        tell_all(relay_of(database), Sent())
        post(database, earn("late"))

        class Rewinds(Sent):
            def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
                database.db.books.update_one({"_id": BOOK}, {"$set": {"told.n": 3}})
                return super().send(outgoing)

        relay_of(database).round(Rewinds(), "log-1")  # type: ignore[arg-type]

        assert mark(database) == Mark(log="log-1", n=3)
        sent = Sent()
        tell_all(relay_of(database), sent)
        assert sent.numbers() == [4, 5, 6, 7, 8]

    def test_on_another_log_the_last_eight_days_are_told_again(self, database):
        post(database, *(earn(f"record-{i}") for i in range(5)))
        tell_all(relay_of(database), Sent())
        today = clock.real_now().date()
        days = [
            {"day": (today - timedelta(days=back)).isoformat(), "n": n}
            for back, n in ((12, 1), (9, 3), (7, 4), (0, 5))
        ]
        database.db.books.update_one(
            {"_id": BOOK}, {"$set": {"days": days, "last_day": days[-1]["day"]}}
        )
        sent = Sent()

        tell_all(relay_of(database), sent, "log-2")

        assert sent.numbers() == [4, 5, 6]
        assert mark(database) == Mark(log="log-2", n=6)

    def test_on_another_log_a_book_without_so_old_a_note_is_told_from_its_beginning(self, database):
        post(database, *(earn(f"record-{i}") for i in range(3)))
        tell_all(relay_of(database), Sent())
        sent = Sent()

        tell_all(relay_of(database), sent, "log-2")

        assert sent.numbers() == [2, 3, 4]

    def test_notes_the_number_that_each_day_begins_with_and_keeps_fifteen(
        self, database, monkeypatch
    ):
        began = clock.real_now()
        relay = relay_of(database)
        for day in range(20):
            with monkeypatch.context() as later:
                later.setattr(clock, "real_now", lambda d=day: began + timedelta(days=d))
                tell_all(relay, Sent())
            post(database, earn(f"record-{day}"))
        row = repository.books.row_of(database, BOOK)

        assert row is not None
        assert len(row.days) == 15
        assert row.days[-1] == ((began + timedelta(days=19)).date().isoformat(), 19)
        assert [n for _, n in row.days] == list(range(5, 20))

    def test_books_do_not_wait_for_each_other(self, database):
        open_book(database, "430202")
        writer = Writer(database)
        writer.post("430202", [earn(book="430202")], now=clock.now())
        writer.close()
        post(database, earn())
        database.db.journal.delete_one({"book": BOOK, "n": 2})
        sent = Sent()

        tell_all(relay_of(database), sent)

        assert [event.key for event in sent.outgoing] == ["430202"]


def heard(event: events.Event, id_: str) -> Heard:
    message = Message(
        topic=events.topic_of(events.source_of(type(event))),
        partition=0,
        offset=0,
        at_ms=0,
        key=None,
        headers={},
        body=b"",
    )
    return Heard(id=id_, type=type(event).__name__, event=event, correlation=STORY, message=message)


def service_confirmed(record: str = "record-1", version: int = 1, **other: object) -> Heard:
    values = {
        "record_id": record,
        "version": version,
        "district": BOOK,
        "region": "430211001001",
        "activity_id": "activity-1",
        "shift_id": "shift-1",
        "volunteer_id": "ada",
        "kind": "credit",
        "minutes": 120,
        "served_at": clock.from_ms(SPRING),
        "at": clock.now(),
        **other,
    }
    event = activities.ServiceConfirmed(**values)  # type: ignore[arg-type]
    return heard(event, _id(record, version))


def _id(aggregate: str, version: int) -> str:
    """Return an event's id as a header brings it: whatever is no text is replaced."""
    return f"{aggregate[:100]}:{version}".encode("utf-8", "replace").decode()


def order_placed(order: str = "order-1", amount: int = 100, **other: object) -> Heard:
    values = {
        "order_id": order,
        "version": 1,
        "district": BOOK,
        "volunteer_id": "ada",
        "merchant_id": "shop",
        "item_id": "soap",
        "pieces": 1,
        "amount": amount,
        "at": clock.now(),
        **other,
    }
    return heard(store.OrderPlaced(**values), _id(order, 1))  # type: ignore[arg-type]


def voucher_used(order: str = "order-1", amount: int = 100) -> Heard:
    event = store.VoucherUsed(
        order_id=order,
        version=2,
        district=BOOK,
        volunteer_id="ada",
        merchant_id="shop",
        amount=amount,
        at=clock.now(),
    )
    return heard(event, _id(order, 2))


def order_cancelled(order: str = "order-1") -> Heard:
    event = store.OrderCancelled(
        order_id=order,
        version=3,
        district=BOOK,
        volunteer_id="ada",
        reason="buyer",
        at=clock.now(),
    )
    return heard(event, _id(order, 3))


def status(value: str, version: int, person: str = "ada") -> Heard:
    event = volunteers.VolunteerStatusChanged(
        volunteer_id=person,
        version=version,
        number="430211-1",
        region=BOOK,
        status=value,
        at=clock.now(),
    )
    return heard(event, _id(person, version))


class Told:
    """Answers that are kept instead of sent."""

    def __init__(self) -> None:
        self.postings: list[Posting] = []

    def tell_again(self, postings: Sequence[Posting]) -> None:
        self.postings += postings

    def close(self) -> None:
        return


@pytest.mark.servers
class TestHearer:
    @pytest.fixture
    def told(self) -> Told:
        return Told()

    @pytest.fixture
    def hear(self, database: ServiceDatabase, told: Told) -> Iterator[Callable[..., list[str]]]:
        correlations = Correlations()
        hearer = LedgerHearer(database, Writer(database), told, correlations)  # type: ignore[arg-type]

        def hear(*messages: Heard) -> list[str]:
            """Return the reasons of the dead letters that these messages left."""
            return [letter.reason for letter in hearer.handle(messages, clock.now())]

        yield hear
        hearer.close()

    def test_the_way_of_an_order(self, database, hear):
        assert not hear(service_confirmed(), order_placed(), order_placed("order-2", 90))
        assert not hear(voucher_used(), order_cancelled("order-2"))

        assert available(database, "ada") == 100
        assert available(database, "shop", "merchant") == 100
        assert [p.cause["source"] for p in check(database)] == [
            "ledger",
            "activities",
            "store",
            "store",
            "store",
            "store",
        ]

    def test_a_repeat_and_a_loser_are_answered_with_the_standing_posting(self, hear, told):
        hear(service_confirmed(), order_placed(), voucher_used())
        assert not told.postings

        hear(service_confirmed(), order_cancelled(), order_placed())

        assert [posting.id for posting in told.postings] == [
            "earn:record-1:1",
            "end:order-1",
            "hold:order-1",
        ]

    def test_a_book_that_is_not_open_is_a_dead_letter_until_it_is(self, database, hear):
        elsewhere = service_confirmed(district="430202")

        assert hear(elsewhere, service_confirmed("here")) == ["book-not-open"]
        assert database.db.alarms.find_one({"kind": "book-not-open"})["about"] == "430202"

        open_book(database, "430202")
        assert not hear(elsewhere)
        assert database.db.journal.find_one({"book": "430202", "n": 2})["kind"] == "earn"

    def test_what_cannot_be_meant_is_a_dead_letter_and_an_alarm(self, database, hear):
        reasons = hear(
            service_confirmed(version=51), voucher_used("ghost"), order_placed(amount=-5)
        )

        assert [reason.partition(":")[0] for reason in reasons] == [
            "not-understood",
            "unknown-hold",
            "not-understood",
        ]
        assert {row["kind"] for row in database.db.alarms.find()} == {
            "not-understood",
            "unknown-hold",
        }
        assert [p.refused for p in check(database)[1:]] == ["not-understood"]

    @pytest.mark.parametrize("odd", ["half \ud800", "a:b", "", "x" * 1000, "{$ne: null}"])
    def test_odd_ids_are_dead_letters_and_disturb_nobody(self, database, hear, odd):
        poison = [
            service_confirmed(odd),
            service_confirmed("r2", district=odd),
            service_confirmed("r3", volunteer_id=odd),
            order_placed(odd),
            order_placed("o2", volunteer_id=odd),
            voucher_used(odd),
            order_cancelled(odd),
            status("active", 1, person=odd),
            status(odd, 1),
        ]
        for message in poison:
            assert len(hear(service_confirmed(ids.new_id()), message)) == 1

        assert not hear(service_confirmed("after"))
        assert available(database, "ada") > 0
        check(database)

    def test_one_fact_told_in_two_ways_is_an_alarm(self, database, hear, told):
        hear(service_confirmed())

        assert not hear(service_confirmed(minutes=30))

        assert database.db.alarms.find_one({"kind": "posted-otherwise"})["about"] == (
            "earn:record-1:1"
        )
        assert not [posting for posting in told.postings if posting.told]

    def test_a_copy_takes_only_what_is_newer(self, database, hear):
        hear(status("frozen", 3), status("active", 2))
        hear(status("active", 1), service_confirmed())
        hear(order_placed())

        assert check(database)[-1].refused == "account-frozen"
        assert list(database.db.volunteer_copies.find()) == [
            {"_id": "ada", "version": 3, "status": "frozen"}
        ]

    def test_a_book_that_is_set_aside_makes_its_partition_wait(self, database, hear):
        repository.books.set_aside(database, BOOK, n=1, why="a test")

        with pytest.raises(Later):
            hear(service_confirmed())

    def test_a_dead_letter_that_is_handled_later_is_settled(self, database, hear):
        row = {"_id": "order-1:2", "state": "open", "topic": "store.events"}
        database.db.dead_letters.insert_one(row)

        hear(service_confirmed(), order_placed(), voucher_used())

        assert database.db.dead_letters.find_one({"_id": "order-1:2"})["state"] == "settled"


@pytest.mark.servers
class TestOnTheBroker:
    @pytest.fixture
    def settings(self, mongo: MongoServer, empty_kafka: KafkaServer) -> LedgerSettings:
        """Return settings of this broker; the database stays the one of the other tests."""
        return settings_for(mongo, empty_kafka)

    @pytest.fixture
    def log_id(self, settings: LedgerSettings) -> str:
        admin = Admin(settings)
        deadline = clock.monotonic() + 20
        admin.ensure_topics([TOPIC])
        while (found := admin.log_ids([TOPIC])) is None:
            assert clock.monotonic() < deadline
            clock.sleep(0.05)
        admin.close()
        return found[TOPIC]

    def test_a_repeat_is_told_again_by_the_same_id_once_it_was_told(
        self, database: ServiceDatabase, settings: LedgerSettings, log_id: str
    ) -> None:
        correlations = Correlations()
        answers = Answers(database, settings, correlations)
        hearer = LedgerHearer(database, Writer(database), answers, correlations)
        record = ids.new_id()
        confirmed = service_confirmed(record)
        producer = Producer(settings)

        hearer.handle([confirmed], clock.now())
        hearer.handle([confirmed], clock.now())
        before = self._told(settings, record)
        JournalRelay(database, correlations).round(producer, log_id)
        hearer.handle([confirmed], clock.now())
        after = self._told(settings, record)
        producer.close()
        hearer.close()

        assert not before, "what the relay has not told yet is left to it"
        assert len(after) == 2
        posting = journal(database)[-1]
        assert {message.headers["ce_id"] for message in after} == {event_id(posting)}
        assert {message.headers["traceparent"] for message in after} == {STORY}
        assert {message.key for message in after} == {BOOK.encode()}

    @staticmethod
    def _told(settings: LedgerSettings, record: str) -> list[Message]:
        found = read_all(settings, [TOPIC], timeout_s=20)
        return [message for message in found if record.encode() in message.body]
