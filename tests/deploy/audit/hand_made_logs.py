"""Topics as lists: what a hand-made town's outboxes and journal would have been told as."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.audit.logs import Unread
from shared.kafka import Message, Place
from tests.deploy.audit.hand_made_book import HandMadeBook
from tests.deploy.audit.hand_made_town import LOG_IDS, NOW, SERVICES, Town


@dataclass
class HandMadeLogs:
    """The four topics, one partition each, and what is asked of them."""

    topics: dict[str, list[Message]]
    left_unread: list[Unread] = field(default_factory=list)
    log_ids: dict[str, str] = field(default_factory=lambda: dict(LOG_IDS))
    begins_at: dict[str, int] = field(default_factory=dict)

    def ids(self) -> Mapping[str, str]:
        return self.log_ids

    def unread(self) -> list[Unread]:
        return self.left_unread

    def beginnings(self, service: str) -> Mapping[Place, int]:
        return {(f"{service}.events", 0): self.begins_at.get(service, 0)}

    def size(self, service: str) -> int:
        return len(self.topics[service])

    def messages(self, service: str) -> Iterator[Message]:
        yield from self.topics[service]


def logs_of(made: Town) -> HandMadeLogs:
    """Return the logs as the relays would have filled them."""
    topics = {
        service: [
            message_of(service, place, row["_id"], row["type"], row["key"], row["body"])
            for place, row in enumerate(made.all(service, "outbox"))
        ]
        for service in SERVICES
    }
    topics["ledger"] = [
        message_of("ledger", place, *event) for place, event in enumerate(_told(made.book))
    ]
    return HandMadeLogs(topics)


def message_of(service: str, offset: int, event_id: str, kind: str, key: str, body: str) -> Message:
    """Return a message as a relay sends it."""
    return Message(
        topic=f"{service}.events",
        partition=0,
        offset=offset,
        at_ms=int(NOW.timestamp() * 1000),
        key=key.encode(),
        headers={"ce_id": event_id, "ce_type": kind, "ce_source": service},
        body=body.encode(),
    )


def _told(book: HandMadeBook) -> Iterator[tuple[str, str, str, str]]:
    for posting in book.journal:
        about, refused = posting["about"], posting.get("refused")
        if posting["kind"] not in ("earn", "hold", "end") or refused == "superseded":
            continue
        at = datetime.fromtimestamp(posting["at"] / 1000, UTC).isoformat(timespec="milliseconds")
        body = {"district": book.code, "n": posting["n"], "at": at.replace("+00:00", "Z")}
        if posting["kind"] == "earn":
            kind = "PointsEarned"
            body |= {
                "record_id": about["record"],
                "version": about["version"],
                "volunteer_id": about["volunteer"],
                "earned": about["earned"],
            }
        elif refused:
            kind = "HoldRefused"
            body |= {"order_id": about["order"], "reason": refused}
        elif posting["kind"] == "hold":
            kind = "HoldPlaced"
            holder = posting["lines"][0]["account"].split(":")[2]
            body |= {"order_id": about["order"], "volunteer_id": holder, "amount": about["amount"]}
        else:
            kind = "HoldCaptured" if about["captured"] else "HoldReleased"
            amount = about["captured"] or about["released"]
            body |= {"order_id": about["order"], "amount": amount}
        event_id = f"{book.code}:{posting['n']}:{posting['hash'][:12]}"
        yield event_id, kind, book.code, json.dumps(body)
