"""The outbox relay: in order, marked only after the acknowledgement, and rewindable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from shared import clock
from shared.kafka import Outgoing
from shared.mongo import ServiceDatabase, UnitOfWork
from shared.relay import HORIZON, OutboxRelay
from tests.shared.test_unit_of_work import order_placed

pytestmark = pytest.mark.servers


class Way:
    """A way to the broker: notes what is sent, and fails what ``fails`` says."""

    def __init__(self, fails: Callable[[str], bool] = lambda _: False) -> None:
        self.sent: list[str] = []
        self._fails = fails

    def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
        """Return whether each was acknowledged."""
        self.sent.extend(event.id for event in outgoing)
        return [not self._fails(event.id) for event in outgoing]


def tell(teller: ServiceDatabase, *told: tuple[str, int]) -> None:
    def body(work: UnitOfWork) -> None:
        for order_id, version in told:
            work.tell(order_placed(order_id, version))

    teller.unit_of_work(body)


def marks(teller: ServiceDatabase) -> dict[str, str | None]:
    return {row["_id"]: row.get("sent_to") for row in teller.db.outbox.find()}


def send_round(relay: OutboxRelay, way: Way, log_id: str) -> int:
    return relay.round(way, log_id)  # type: ignore[arg-type]


def test_later_versions_wait_for_earlier_ones(database: ServiceDatabase) -> None:
    tell(database, ("o1", 1), ("o2", 1))
    tell(database, ("o1", 2), ("o2", 2))
    way = Way(lambda event: event == "o1:1" and way.sent.count("o1:1") == 1)
    relay = OutboxRelay(database)

    send_round(relay, way, "log-1")
    assert "o1:2" not in way.sent
    send_round(relay, way, "log-1")
    send_round(relay, way, "log-1")

    assert way.sent.index("o1:2") > max(i for i, name in enumerate(way.sent) if name == "o1:1")
    assert set(marks(database).values()) == {"log-1"}


def test_what_the_broker_did_not_acknowledge_is_not_marked(database: ServiceDatabase) -> None:
    tell(database, ("o1", 1), ("o2", 1))

    class Looking(Way):
        def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
            seen.append(marks(database))
            return super().send(outgoing)

    seen: list[dict[str, str | None]] = []
    relay = OutboxRelay(database)

    assert send_round(relay, Looking(lambda event: event == "o1:1"), "log-1") == 1

    assert seen == [{"o1:1": None, "o2:1": None}]
    assert marks(database) == {"o1:1": None, "o2:1": "log-1"}
    # It stays its turn until it is acknowledged.
    assert send_round(relay, Way(), "log-1") == 1
    assert marks(database) == {"o1:1": "log-1", "o2:1": "log-1"}


def test_on_another_log_everything_of_eight_days_is_told_again(database: ServiceDatabase) -> None:
    tell(database, ("old", 1), ("o1", 1), ("ahead", 1))
    old = {"$set": {"told_at": clock.real_now() - HORIZON * 2}}
    database.db.outbox.update_one({"_id": "old:1"}, old)
    # Told by a process whose clock was ahead of the relay's.
    ahead = {"$set": {"told_at": clock.real_now() + timedelta(minutes=10)}}
    database.db.outbox.update_one({"_id": "ahead:1"}, ahead)
    way = Way()
    send_round(OutboxRelay(database), way, "log-1")
    tell(database, ("o1", 2))
    relay = OutboxRelay(database)
    for _ in range(3):
        send_round(relay, way, "log-2")

    assert sorted(way.sent[:3]) == ["ahead:1", "o1:1", "old:1"]
    assert sorted(way.sent[3:5]) == ["ahead:1", "o1:1"]
    assert way.sent[5:] == ["o1:2"]


def test_a_rewound_mark_is_not_undone_by_a_relay_that_slept(database: ServiceDatabase) -> None:
    tell(database, ("o1", 1))
    send_round(OutboxRelay(database), Way(), "log-1")

    class Sleeping(Way):
        """While it sends on the second log, an operator takes the mark back."""

        def send(self, outgoing: Sequence[Outgoing]) -> list[bool]:
            done = super().send(outgoing)
            database.db.outbox.update_many({}, {"$set": {"sent_to": None}})
            return done

    send_round(OutboxRelay(database), Sleeping(), "log-2")
    assert marks(database) == {"o1:1": None}

    way = Way()
    send_round(OutboxRelay(database), way, "log-2")
    assert way.sent == ["o1:1"]
