"""What the four services tell each other, carried by hand: no broker, one thread.

Relays and hearers are those of the workers; only the way between them is shorter.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from shared import clock, events
from shared.kafka import Message, Outgoing
from shared.worker import Heard, Worker, read
from tests.journeys.house import SERVICES, House

ROUND_S = 0.05


class Carrier:
    """Stands where a producer stands, and hands everything to who wants it."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self._workers = workers
        self.carried: list[Message] = []

    def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
        """Let every hearer hear each, in order; all of them were sent."""
        for each in outgoing:
            message = Message(
                topic=each.topic,
                partition=0,
                offset=len(self.carried),
                at_ms=clock.to_ms(clock.real_now()),
                key=each.key.encode(),
                headers={name: value.decode() for name, value in each.headers()},
                body=each.body.encode(),
            )
            self.carried.append(message)
            heard = read(message, "by-hand")
            assert isinstance(heard, Heard), heard
            for worker in self._workers:
                if worker.hearer.wants(events.EVENTS[heard.type]):
                    letters = worker.hearer.handle([heard], clock.now())
                    assert not letters, letters
        return [True] * len(outgoing)


@contextmanager
def carried(house: House) -> Iterator[list[Message]]:
    """Carry in a thread of its own as long as this is open; yield all that was told."""
    workers = [
        importlib.import_module(f"services.{service}.worker").create_worker(
            house.settings(service, f"{service}-worker-0")
        )
        for service in SERVICES
    ]
    carrier, over, failed = Carrier(workers), threading.Event(), []

    def carry() -> None:
        try:
            while not over.wait(ROUND_S):
                for worker in workers:
                    worker.relay.round(carrier, "by-hand")
        except BaseException as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    try:
        yield carrier.carried
    finally:
        over.set()
        thread.join(20)
        for worker in workers:
            worker._close()
    assert not failed, failed
