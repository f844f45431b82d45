"""`python -m deploy.topics [--widen|--remove]`: all services' topics, with one partition count.

Missing topics are made; another partition count than the settings' is refused, since what has the
same key would no longer lie in one partition. `--widen` gives the topics the settings' count: only
upwards, only while no worker relays, and only when nothing is left unsent or unread, so that
nothing old can be overtaken. `--remove` forgets the topics with all that lies in them, after the
databases were restored: what was told in the last eight days is then told again to new ones. Only
while no worker relays.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pymongo.errors import PyMongoError

from deploy import installation
from deploy.audit import undone
from deploy.audit.logs import opened
from deploy.audit.sources import Sources, connected
from shared import clock, events
from shared.kafka import Admin, BrokerTrouble, OtherPartitionCount
from shared.settings import Settings

TOPICS = [events.topic_of(service) for service in installation.SERVICES]


DESCRIBED_WITHIN_S = 15.0


class NotDrained(SystemExit):
    """Something still has to be sent or read; the message says what."""


def ensure(settings: Settings) -> dict[str, int]:
    """Make missing topics and return each one's partitions; refuses another partition count."""
    admin = Admin(settings)
    try:
        admin.ensure_topics(TOPICS)
        return _described(admin, settings.topic_partitions)
    finally:
        admin.close()


def widen(settings: Settings) -> list[str]:
    """Give every topic the settings' count of partitions; return those that had fewer.

    Refuses with :class:`NotDrained` while workers relay or anything is unsent or unread.
    """
    with (
        connected(settings.mongo_uri, settings.database_prefix, operator=settings) as sources,
        opened(settings.kafka_bootstrap, operator=settings) as logs,
    ):
        left = [*_relaying(sources), *undone.undelivered(sources, logs)]
    if left:
        raise NotDrained("gongxiang: not widened:\n  " + "\n  ".join(left))
    admin = Admin(settings)
    try:
        counts = admin.partition_counts(TOPICS)
        more = [topic for topic, count in counts.items() if count > settings.topic_partitions]
        if more:
            raise OtherPartitionCount(
                f"{', '.join(more)} have more: partitions are never taken away"
            )
        wanted = settings.topic_partitions
        narrow = [topic for topic, count in counts.items() if 0 < count < wanted]
        for topic in narrow:
            admin.widen(topic, wanted)
        _described(admin, wanted)
        return narrow
    finally:
        admin.close()


def remove(settings: Settings) -> None:
    """Forget all topics; refuses with :class:`NotDrained` while workers relay."""
    with connected(settings.mongo_uri, settings.database_prefix, operator=settings) as sources:
        left = _relaying(sources)
    if left:
        raise NotDrained("gongxiang: not removed:\n  " + "\n  ".join(left))
    admin = Admin(settings)
    try:
        admin.remove_topics(TOPICS)
    finally:
        admin.close()


def _described(admin: Admin, wanted: int) -> dict[str, int]:
    """Return every topic's partitions, once the broker describes what the controller has done."""
    deadline = clock.monotonic() + DESCRIBED_WITHIN_S
    while True:
        counts = admin.partition_counts(TOPICS)
        if all(count >= wanted for count in counts.values()):
            return counts
        if clock.monotonic() > deadline:
            raise BrokerTrouble(f"not {wanted} partitions each by now: {counts}")
        clock.sleep(0.1)


def _relaying(sources: Sources) -> list[str]:
    now = sources.server_now()
    return [
        f"{service}: {lease['slot']} relays: stop the workers first"
        for service in installation.SERVICES
        for lease in sources.collection(service, "leases").find({"_id": "relay"})
        if lease["until"] > now
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make, widen or remove the topics; return 0."""
    parser = argparse.ArgumentParser(prog="python -m deploy.topics", description=__doc__)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--widen", action="store_true", help="to GONGXIANG_TOPIC_PARTITIONS")
    what.add_argument("--remove", action="store_true", help="with all that lies in them")
    installation.add_arguments(parser)
    asked = parser.parse_args(arguments)
    settings = installation.common_settings(asked.data_dir, operator="topics")
    try:
        if asked.remove:
            remove(settings)
            print(f"{len(TOPICS)} 个主题已删除 / topics removed")
            return 0
        widened = widen(settings) if asked.widen else []
        counts = ensure(settings)
    except (BrokerTrouble, PyMongoError) as trouble:
        print(f"gongxiang: {trouble}", file=sys.stderr)
        return 1
    for topic, count in counts.items():
        print(f"{topic}: {count} 分区 / partitions{' (widened)' if topic in widened else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
