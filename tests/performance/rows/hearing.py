"""Row 9: what it costs to hear from Kafka beside the same transactions without it."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from services.store.handlers import SUBSCRIPTIONS
from services.store.repository import make_collections
from services.store.settings import StoreSettings
from shared import clock
from shared.events import Event
from shared.kafka import Admin, Consumer, Producer
from shared.mongo import ServiceDatabase
from shared.settings import KeyRing
from shared.worker import DeadLetter, Heard, TransactionHearer, Worker
from tests.performance import joining, rows
from tests.performance.row import Curve, Figure, NotSound, Row, Sample, Size, at_least
from tests.performance.stage import Stage
from tests.performance.stopwatch import Shares, timed

NAME = "hear once + one effect, batched"
CODE = Path(rows.__path__[0]).parents[2]
WITHIN_S = 120
KEY = b"a key of this benchmark, 32 long"
PARTS = {
    "transactions": (TransactionHearer, "handle"),
    "commit of offsets": (Consumer, "commit"),
    "polling": (Consumer, "poll"),
}


class Clocked:
    """A hearer that knows when its first batch began and its last one ended."""

    def __init__(self, hearer: TransactionHearer, wanted: int) -> None:
        self._hearer = hearer
        self._wanted = wanted
        self.batch_max = hearer.batch_max
        self.heard = 0
        self.began = self.ended = 0.0
        self.all_heard = threading.Event()

    def wants(self, kind: type[Event]) -> bool:
        return self._hearer.wants(kind)

    def handle(self, messages: Sequence[Heard], now: datetime) -> Sequence[DeadLetter]:
        self.began = self.began or clock.monotonic()
        letters = self._hearer.handle(messages, now)
        self.ended = clock.monotonic()
        self.heard += len(messages)
        if self.heard >= self._wanted:
            self.all_heard.set()
        return letters


def heard(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Hear events that wait in the topic, by the store's worker."""
    wanted = size.of(3_000, small=60)
    settings = _settings(stage, slot="store-worker-0", partitions=4)
    _told(settings, wanted)
    database = ServiceDatabase.connect(settings, "store")
    make_collections(database)
    hearer = Clocked(TransactionHearer(database, SUBSCRIPTIONS), wanted)
    worker = Worker(
        settings=settings, database=database, subscriptions=SUBSCRIPTIONS, hearer=hearer
    )
    thread = threading.Thread(target=worker.run, name="worker", daemon=True)
    shares = Shares()
    with shares.watching(PARTS):
        thread.start()
        in_time = hearer.all_heard.wait(WITHIN_S)
    worker.stop()
    thread.join(10)
    if not in_time:
        raise NotSound(f"{hearer.heard} of {wanted} events heard")
    seconds = hearer.ended - hearer.began
    checked = _sound(stage, wanted)
    return {NAME: Sample(value=wanted / seconds, checked=checked, shares=shares.of(seconds))}


def handled(stage: Stage, size: Size) -> Mapping[str, Sample]:
    """Run the same transactions on the same events, without the broker."""
    wanted = size.of(3_000, small=60)
    settings = _settings(stage, slot="store-worker-0", partitions=4)
    database = stage.database("store", settings)
    make_collections(database)
    hearer = TransactionHearer(database, SUBSCRIPTIONS)
    came = joining.heard(wanted)
    with timed() as watch:
        for start in range(0, wanted, hearer.batch_max):
            hearer.handle(came[start : start + hearer.batch_max], clock.now())
    return {NAME: Sample(value=wanted / watch.seconds, checked=_sound(stage, wanted))}


def cost(stage: Stage, size: Size, *, partitions: int, workers: int) -> float:
    """Return milliseconds an event, heard by so many worker processes on so many partitions."""
    wanted = size.of(2_000, small=40)
    settings = _settings(stage, slot="teller", partitions=partitions)
    _told(settings, wanted)
    database = stage.database("store", settings)
    make_collections(database)
    processes = [_worker(settings, number) for number in range(workers)]
    try:
        deadline = clock.monotonic() + WITHIN_S
        while database.db.inbox.estimated_document_count() < wanted:
            if clock.monotonic() > deadline:
                raise NotSound("not everything was heard")
            clock.sleep(0.2)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(15)
    _sound(stage, wanted)
    times = [row["heard_at"] for row in database.db.inbox.find({}, {"heard_at": 1})]
    return (max(times) - min(times)).total_seconds() * 1000 / wanted


def over_partitions(stage: Stage, size: Size, partitions: int) -> float:
    """Return the cost on so many partitions."""
    return cost(stage, size, partitions=partitions, workers=1)


def over_workers(stage: Stage, size: Size, workers: int) -> float:
    """Return the cost with so many workers."""
    return cost(stage, size, partitions=8, workers=workers)


def _settings(stage: Stage, *, slot: str, partitions: int) -> StoreSettings:
    stage.kafka()
    keys = KeyRing(keys={"bench": KEY})
    return stage.settings(StoreSettings, slot, topic_partitions=partitions, voucher_keys=keys)


def _told(settings: StoreSettings, wanted: int) -> None:
    """Make the topics, and put events into the one that is heard."""
    admin = Admin(settings)
    admin.ensure_topics([joining.TOPIC, "ledger.events", "store.events"])
    admin.close()
    producer = Producer(settings)
    done = producer.send(joining.outgoings(wanted))
    producer.close()
    if not all(done):
        raise NotSound("not everything was told")


def _sound(stage: Stage, wanted: int) -> int:
    """Return how many events had their one effect and their one mark."""
    database = stage.database("store", _settings(stage, slot="looking", partitions=4))
    inbox = database.db.inbox.count_documents({})
    effects = database.db.volunteer_copies.count_documents({})
    letters = database.db.dead_letters.count_documents({})
    if (inbox, effects, letters) != (wanted, wanted, 0):
        raise NotSound(f"{wanted} told, {inbox} heard, {effects} effects, {letters} dead letters")
    return wanted


def _worker(settings: StoreSettings, number: int) -> subprocess.Popen[bytes]:
    own = {
        "MODE": "embedded",
        "MONGO_URI": settings.mongo_uri,
        "KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "JWKS_URL": "http://127.0.0.1:1",
        "DATABASE_PREFIX": settings.database_prefix,
        "TOPIC_PARTITIONS": str(settings.topic_partitions),
        "VOUCHER_KEYS": f"bench:{base64.urlsafe_b64encode(KEY).decode()}",
        "SLOT": f"store-worker-{number}",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "services.store"],
        cwd=CODE,
        env={**os.environ, **{f"GONGXIANG_{name}": value for name, value in own.items()}},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


ROWS = (
    Row(
        number=9,
        figures=(Figure(NAME, "events/s", at_least(0.8), at_least(0.95)),),
        ours=heard,
        theirs=handled,
        against="the same transactions on the same events, without Kafka",
    ),
)

CURVES = (
    Curve(
        name="an event heard, one worker",
        axis="partitions",
        unit="ms",
        sizes=(1, 4, 16),
        small=(2,),
        cost=over_partitions,
    ),
    Curve(
        name="an event heard, 8 partitions",
        axis="workers",
        unit="ms",
        sizes=(1, 2, 4),
        small=(2,),
        cost=over_workers,
    ),
)
