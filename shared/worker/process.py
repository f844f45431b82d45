"""A worker process: three loops, two watches, one clean stop.

Whatever loop ends with an error ends the process, and its supervisor starts it again with new
clients: there is one path, at start.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from shared import clock, events
from shared.errors import Busy
from shared.kafka import Admin, BrokerTrouble, Consumer, close_quietly, group_name
from shared.mongo import DatabaseTrouble, Lease, ServiceDatabase, raise_alarm
from shared.relay import OutboxRelay, Relay
from shared.settings import Settings
from shared.worker.handling import Hearer, Subscriptions, TransactionHearer
from shared.worker.health import Health
from shared.worker.hearing import Hearing
from shared.worker.relaying import Relaying
from shared.worker.watching import Watching

SWEEP_EVERY_S = 1.0
WATCH_EVERY_S = 5.0
LOOK_EVERY_S = 10.0
STOP_WITHIN_S = 4.5

Sweep = Callable[[ServiceDatabase, datetime, datetime], int]
"""``(database, now, real_now)`` → how many things it moved; bounded."""

log = logging.getLogger(__name__)


class OtherLogs(Exception):
    """Not the topics of the start: the broker lost its data, or a topic was made again."""


class Worker:
    """A service's worker: what it hears, relays and sweeps. Parts are joined in ``worker.py``."""

    def __init__(
        self,
        *,
        settings: Settings,
        database: ServiceDatabase,
        subscriptions: Subscriptions,
        sweeps: Sequence[Sweep] = (),
        hearer: Hearer | None = None,
        relay: Relay | None = None,
        questions: str | None = None,
        closing: Sequence[Callable[[], None]] = (),
    ) -> None:
        """``questions``: the collection whose rows ask until they are answered, to be watched.

        ``closing``: what else is to be closed at the end, while the database is still open."""
        self.settings = settings
        self.database = database
        self.hearer = hearer or TransactionHearer(database, subscriptions)
        self.relay = relay or OutboxRelay(database)
        self.sweeps = tuple(sweeps)
        self.watching = Watching(database, self.relay, questions=questions)
        self._closing = tuple(closing)
        self.own_topic = events.topic_of(database.name)
        self.heard_topics = sorted(
            {events.topic_of(events.source_of(kind)) for kind in subscriptions}
        )
        self._stop = threading.Event()
        self._handled = threading.Event()
        self._failed: BaseException | None = None
        self._log_ids: dict[str, str] = {}

    @property
    def topics(self) -> list[str]:
        """Return the topics that this worker sends to or hears."""
        return sorted({self.own_topic, *self.heard_topics})

    def stop(self) -> None:
        """Ask all loops to end after what they are doing."""
        self._stop.set()
        self._handled.set()

    def run(self) -> int:
        """Work until stopped; 0 after a clean stop or another log, 1 after what nobody handled."""
        health = Health(self.settings, self.database)
        health.start()
        try:
            admin = self._wait_for_broker()
            if admin is None:
                return 0
            health.broker_answers()
            loops = [
                threading.Thread(
                    target=self._guarded, args=(loop,), name=loop.__name__, daemon=True
                )
                for loop in (self._hear, self._relay, self._sweep, self._look)
            ]
            for thread in loops:
                thread.start()
            self._guarded(lambda: self._watch(admin))
            self._stop.set()
            deadline = clock.monotonic() + STOP_WITHIN_S
            for thread in loops:
                thread.join(max(0.0, deadline - clock.monotonic()))
            if any(thread.is_alive() for thread in loops):
                # It ends with the process; what it had open is ended by the slot's next start.
                log.error("a loop did not end in time")
                return 1
        finally:
            health.stop()
            self._close()
        if isinstance(self._failed, OtherLogs):
            log.warning("other logs: starting anew", extra={"why": str(self._failed)})
            return 0
        return 1 if self._failed else 0

    def _close(self) -> None:
        try:
            for close in self._closing:
                close()
        except (DatabaseTrouble, Busy) as error:
            log.warning("closed in trouble", extra={"why": f"{type(error).__name__}: {error}"})
        finally:
            self.database.close()

    def _guarded(self, loop: Callable[[], None]) -> None:
        """Run a loop; whatever it ends with ends the process too."""
        try:
            loop()
        except OtherLogs as error:
            self._failed = self._failed or error
        except BaseException as error:
            self._failed = self._failed or error
            log.exception("a loop ended with an error")
        finally:
            self._stop.set()

    def _wait_for_broker(self) -> Admin | None:
        """Return an admin client once every topic is there, None when stopped before."""
        while not self._stop.is_set():
            admin: Admin | None = None
            try:
                admin = Admin(self.settings)
                admin.ensure_topics(self.topics)
                found = admin.log_ids(self.topics)
                if found is not None:
                    self._log_ids = found
                    return admin
            except BrokerTrouble as error:
                log.warning("waiting for the broker", extra={"why": str(error)})
            if admin is not None:
                close_quietly(admin)
            self._stop.wait(0.3)
        return None

    def _watch(self, admin: Admin) -> None:
        """Compare the logs' ids every five seconds; another log ends this run."""
        try:
            while not self._stop.wait(WATCH_EVERY_S):
                try:
                    found = admin.log_ids(self.topics)
                except BrokerTrouble:
                    # Away, not another: the loops wait it out by themselves.
                    continue
                if found != self._log_ids:
                    raise OtherLogs(f"{self._log_ids} → {found}")
        finally:
            close_quietly(admin)

    def _hear(self) -> None:
        if not self.heard_topics:
            self._stop.wait()
            return
        log_ids = {topic: self._log_ids[topic] for topic in self.heard_topics}
        group = group_name(self.database.name, log_ids)
        consumer = self._join(group)
        if consumer is None:
            return
        try:
            Hearing(
                database=self.database,
                hearer=self.hearer,
                consumer=consumer,
                log_ids=log_ids,
                stop=self._stop,
                handled=self._handled,
            ).run()
        finally:
            close_quietly(consumer)

    def _join(self, group: str) -> Consumer | None:
        """Join the group as a new member of our name, so that nothing old is inherited."""
        while not self._stop.is_set():
            try:
                admin = Admin(self.settings)
                try:
                    admin.remove_member(group, self.settings.slot)
                except BrokerTrouble as error:
                    # A group that nobody has joined yet is an error to ask about.
                    log.info("no predecessor removed", extra={"why": str(error)})
                finally:
                    admin.close()
                return Consumer(self.settings, group, self.heard_topics)
            except BrokerTrouble as error:
                log.warning("waiting to join", extra={"why": str(error)})
                self._stop.wait(0.5)
        return None

    def _relay(self) -> None:
        Relaying(
            database=self.database,
            relay=self.relay,
            topic=self.own_topic,
            log_id=self._log_ids[self.own_topic],
            stop=self._stop,
            handled=self._handled,
        ).run()

    def _sweep(self) -> None:
        lease = Lease(self.database, "sweep")
        while not self._stop.wait(SWEEP_EVERY_S):
            for sweep in self.sweeps:
                if self._stop.is_set():
                    break
                try:
                    if lease.held():
                        sweep(self.database, clock.now(), clock.real_now())
                except (DatabaseTrouble, Busy) as error:
                    log.warning(
                        "trouble while sweeping", extra={"why": f"{type(error).__name__}: {error}"}
                    )
                except Exception as error:  # one sweep's fault must not stop the others
                    log.exception("a sweep failed")
                    name = getattr(sweep, "__name__", type(sweep).__name__)
                    self._alarm("sweep-failed", name, f"{type(error).__name__}: {error}")

    def _look(self) -> None:
        while not self._stop.is_set():
            try:
                self.watching.look()
            except DatabaseTrouble as error:
                log.warning("trouble while looking", extra={"why": type(error).__name__})
            self._stop.wait(LOOK_EVERY_S)

    def _alarm(self, kind: str, about: str, detail: str) -> None:
        try:
            raise_alarm(self.database, kind, about, detail)
        except DatabaseTrouble as error:
            log.warning("alarm not kept", extra={"why": type(error).__name__})


def run_worker(create: Callable[[], Worker]) -> int:
    """Run a service's worker until SIGTERM or SIGINT; return its exit code."""
    stopped = threading.Event()
    running: list[Worker] = []

    def on_signal(_number: int, _frame: object) -> None:
        if not running or stopped.is_set():
            sys.exit(0 if not running else 1)
        stopped.set()
        running[0].stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    worker = create()
    running.append(worker)
    return worker.run()
