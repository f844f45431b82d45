"""`python -m shared.mongo store`: end what the web slots of this host left open.

A process of its own before gunicorn forks, because the master never holds a client.
"""

from __future__ import annotations

import socket
import sys

from shared.mongo.sessions import kill_web_slots, open_client
from shared.mongo.trouble import DatabaseTrouble
from shared.settings import Settings, load


def main(service: str) -> int:
    """Kill the sessions that are written down for this service's web on this host."""
    settings = load(Settings)
    client = open_client(settings)
    try:
        rows = client[settings.database_prefix + service].sessions
        kill_web_slots(client, rows, service, socket.gethostname())
    except DatabaseTrouble as error:
        # Its restart ends every open transaction, and the web waits for it anyway.
        print(f"sessions of {service}'s web not looked at: {type(error).__name__}", file=sys.stderr)
    finally:
        client.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
