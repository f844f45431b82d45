"""Row 8: what it costs to tell, beside sending alone and beside marking alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.ledger import repository, telling
from services.ledger.model import Command
from services.ledger.relay import JournalRelay
from services.ledger.settings import LedgerSettings
from shared import clock, relay
from shared.kafka import Admin, Outgoing, Producer, read_all
from shared.mongo import Document, ServiceDatabase
from shared.settings import Settings
from tests.ledger.bookkeeper import BOOK
from tests.performance import book, joining
from tests.performance.row import Figure, NotSound, Row, Sample, Size, at_least
from tests.performance.stage import Stage
from tests.performance.stopwatch import Shares, timed

JOURNAL, OUTBOX = "journal relay", "outbox relay"
JOURNAL_PARTS = {
    "sending": (Producer, "send"),
    "journal read": (repository.journal, "window"),
    "from posting to event": (telling, "outgoing"),
    "mark": (repository.books, "move_mark"),
}
OUTBOX_PARTS = {
    "sending": (Producer, "send"),
    "marks": (relay.OutboxRelay, "_mark"),
    "predecessors looked up": (relay.OutboxRelay, "_held_up"),
    "from row to message": (relay, "outgoing"),
}


def journal_told(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Tell a journal by its relay, to the end."""
    stage.kafka()
    settings = stage.settings(LedgerSettings, "ledger-0")
    log_id, producer = _ready(stage, settings, "ledger.events")
    database = book.empty_ledger(stage)
    documents = _journal(size)
    book.fill_whole(database, documents)
    told = JournalRelay(database, telling.Correlations())
    shares = Shares()
    with shares.watching(JOURNAL_PARTS), timed() as watch:
        while told.round(producer, log_id):
            pass
    head = documents[-1]["n"]
    row = repository.books.row_of(database, BOOK)
    if row is None or row.told.n != head:
        raise NotSound(f"told up to {row and row.told.n} of {head}")
    wanted = [telling.event_id(one) for one in book.postings_of(_commands(size)) if one.told]
    found = _in_topic(settings, "ledger.events", wanted)
    rate = len(wanted) / watch.seconds
    return {JOURNAL: Sample(value=rate, checked=found, shares=shares.of(watch.seconds))}


def journal_sent(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Send the same messages with the same client, and wait for all of them."""
    stage.kafka()
    settings = stage.settings(LedgerSettings, "ledger-0")
    _, producer = _ready(stage, settings, "ledger.events")
    none = telling.Correlations()
    postings = book.postings_of(_commands(size))
    messages = [telling.outgoing(one, none) for one in postings if one.told]
    return {JOURNAL: _sent(settings, producer, messages)}


def outbox_told(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Tell an outbox by its relay, to the end."""
    stage.kafka()
    settings = stage.settings(Settings, "volunteers-worker-0")
    log_id, producer = _ready(stage, settings, joining.TOPIC)
    database, rows = _outbox(stage, settings, size)
    told = relay.OutboxRelay(database)
    shares = Shares()
    with shares.watching(OUTBOX_PARTS), timed() as watch:
        while told.round(producer, log_id):
            pass
    _all_marked(database, log_id, len(rows))
    found = _in_topic(settings, joining.TOPIC, [row["_id"] for row in rows], in_order=False)
    rate = len(rows) / watch.seconds
    return {OUTBOX: Sample(value=rate, checked=found, shares=shares.of(watch.seconds))}


def outbox_marked(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Write the marks alone, fifty at a time."""
    settings = stage.settings(Settings, "volunteers-worker-0")
    database, rows = _outbox(stage, settings, size)
    ids = [row["_id"] for row in rows]
    with timed() as watch:
        for start in range(0, len(ids), 50):
            mark = {"sent_to": "log", "sent_at": clock.real_now()}
            some = {"_id": {"$in": ids[start : start + 50]}, "sent_to": None}
            database.db.outbox.update_many(some, {"$set": mark})
    _all_marked(database, "log", len(rows))
    return {OUTBOX: Sample(value=len(rows) / watch.seconds, checked=len(rows))}


def _ready(stage: Stage, settings: Settings, topic: str) -> tuple[str, Producer]:
    """Return the log's id, and a producer that has sent before."""
    admin = Admin(settings)
    admin.ensure_topics([topic])
    deadline = clock.monotonic() + 10
    while (ids := admin.log_ids([topic])) is None and clock.monotonic() < deadline:
        clock.sleep(0.05)
    admin.close()
    if ids is None:
        raise NotSound(f"no topic {topic} within 10 s")
    producer = Producer(settings)
    stage.callback(producer.close)
    producer.send([replace(joining.outgoings(1)[0], topic=topic, id="first")])
    return ids[topic], producer


def _sent(settings: Settings, producer: Producer, messages: Sequence[Outgoing]) -> Sample:
    with timed() as watch:
        done = producer.send(messages)
    if not all(done):
        raise NotSound("not everything was acknowledged")
    found = _in_topic(settings, messages[0].topic, [message.id for message in messages])
    return Sample(value=len(messages) / watch.seconds, checked=found)


def _in_topic(
    settings: Settings, topic: str, wanted: Sequence[str], *, in_order: bool = True
) -> int:
    """Return how many events a topic holds, each once; of one key, in order."""
    held = [message.headers["ce_id"] for message in read_all(settings, [topic], 30)]
    held = [event_id for event_id in held if event_id != "first"]
    if (held if in_order else sorted(held)) != (list(wanted) if in_order else sorted(wanted)):
        raise NotSound(f"{len(held)} messages for {len(wanted)} events, or in another order")
    return len(held)


def _commands(size: Size) -> list[Command]:
    return book.people(size.of(4_000, small=100))


def _journal(size: Size) -> list[Document]:
    return [dict(posting.document) for posting in book.postings_of(_commands(size))]


def _outbox(stage: Stage, settings: Settings, size: Size) -> tuple[ServiceDatabase, list[Document]]:
    """Return a database with rows to tell."""
    database = stage.database("volunteers", settings)
    rows = joining.outbox_rows(size.of(3_000, small=100))
    for start in range(0, len(rows), 50):
        database.db.outbox.insert_many(rows[start : start + 50])
    return database, rows


def _all_marked(database: ServiceDatabase, log_id: str, rows: int) -> None:
    marked = database.db.outbox.count_documents({"sent_to": log_id})
    if marked != rows:
        raise NotSound(f"{marked} of {rows} rows are marked")


ROWS = (
    Row(
        number=8,
        figures=(Figure(JOURNAL, "events/s", at_least(0.3), at_least(0.6)),),
        ours=journal_told,
        theirs=journal_sent,
        against="sending the same messages with the same idempotent client",
    ),
    Row(
        number=8,
        figures=(Figure(OUTBOX, "events/s", at_least(0.8), at_least(0.9)),),
        ours=outbox_told,
        theirs=outbox_marked,
        against="`update_many` of the same marks alone, fifty at a time",
    ),
)
