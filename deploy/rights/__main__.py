"""`python -m deploy.rights mongo|kafka --passwords DIR`: users and rights, made or set right.

A service may write its own database and its own topic, and hear what it subscribed to; nothing
else. Both servers are asked as the user in the settings, who has to be allowed to do this; each
user's password is read from the directory's file `<server>_password_<user>`. May be run again at
any time: after an upgrade, after passwords changed, after the broker was lost.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pymongo.errors import AutoReconnect, PyMongoError

from deploy import installation
from deploy.rights import broker, database, table
from shared import clock
from shared.kafka import BrokerTrouble
from shared.settings import Settings

ANSWERS_WITHIN_S = 120.0


class NoPassword(SystemExit):
    """A user's password cannot be read; the message names the file."""


def passwords(directory: Path, server: str, users: Iterable[str]) -> dict[str, str]:
    """Return each user's password on a server, or end the process naming the missing file."""
    found = {}
    for user in users:
        path = directory / f"{server}_password_{user}"
        try:
            found[user] = path.read_text().strip()
        except OSError as error:
            raise NoPassword(f"gongxiang: {path}: {error.strerror}") from None
        if not found[user]:
            raise NoPassword(f"gongxiang: {path}: empty")
    return found


def mongo(settings: Settings, directory: Path) -> list[str]:
    """Make the replica set, roles and users; return what is new."""
    words = passwords(directory, "mongo", table.users())
    begun = database.begin_replica_set(settings)
    return [*(["+ replica set"] if begun else []), *database.apply(settings, words)]


def kafka(settings: Settings, directory: Path) -> list[str]:
    """Make users and access lists; return what changed."""
    return broker.apply(settings, passwords(directory, "kafka", installation.SERVICES))


def main(arguments: Sequence[str] | None = None) -> int:
    """Do it once the server answers, within two minutes; return 0, or 1 after a line of why."""
    parser = argparse.ArgumentParser(prog="python -m deploy.rights", description=__doc__)
    parser.add_argument("server", choices=("mongo", "kafka"))
    parser.add_argument("--passwords", required=True, type=Path, metavar="DIR")
    asked = parser.parse_args(arguments)
    settings = installation.common_settings(None, operator="rights")
    try:
        changed = _once_it_answers(
            lambda: {"mongo": mongo, "kafka": kafka}[asked.server](settings, asked.passwords)
        )
    except (BrokerTrouble, PyMongoError) as trouble:
        print(f"gongxiang: {type(trouble).__name__}: {trouble}", file=sys.stderr)
        return 1
    print(
        "\n".join([*changed, f"{asked.server}: 权限已就绪 / users and rights are as they should"])
    )
    return 0


def _once_it_answers(do: Callable[[], list[str]]) -> list[str]:
    deadline = clock.monotonic() + ANSWERS_WITHIN_S
    while True:
        try:
            return do()
        except (BrokerTrouble, AutoReconnect):
            if clock.monotonic() > deadline:
                raise
            clock.sleep(1.0)


if __name__ == "__main__":
    sys.exit(main())
