"""`python -m deploy.alarms --service S list|settle`: states of affairs that cannot be.

An alarm is one row per kind and thing, with how often and when it was raised. `settle` notes why
it needs nothing more: it is then history to the audit, and leaves the figure that alerts look at.
Raised again, it is open again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pymongo.errors import PyMongoError

from deploy import installation
from shared.mongo import ServiceDatabase, open_client
from shared.mongo.alarms import open_alarms, settle_alarms


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0, or 1 where an alarm named is not open."""
    asked = _parser().parse_args(arguments)
    settings = installation.settings_of(asked.service, asked.data_dir, operator="alarms")
    database = ServiceDatabase(open_client(settings), asked.service, settings)
    try:
        if asked.verb == "list":
            return _list(database)
        done = settle_alarms(database, asked.ids, asked.because)
        print(f"{done} 个警报已了结 / alarms settled")
        return 0 if done == len(asked.ids) else 1
    except PyMongoError as trouble:
        print(f"gongxiang: {type(trouble).__name__}: {trouble}", file=sys.stderr)
        return 1
    finally:
        database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.alarms", description=__doc__)
    parser.add_argument("--service", required=True, choices=installation.SERVICES)
    installation.add_arguments(parser)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="those that are open")
    settling = verbs.add_parser("settle", help="say that these need nothing more")
    settling.add_argument("ids", nargs="+", metavar="ID")
    settling.add_argument("--because", required=True, help="what was found and done")
    return parser


def _list(database: ServiceDatabase) -> int:
    rows = open_alarms(database)
    for row in rows:
        print(
            f"{row['_id']}  ×{row['count']}  {row['first_at']:%Y-%m-%d %H:%M} … "
            f"{row['last_at']:%Y-%m-%d %H:%M}"
        )
        print(f"    {row.get('detail', '')}")
    print(f"{len(rows)} 个未了结 / open alarms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
