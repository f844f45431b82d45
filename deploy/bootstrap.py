"""`python -m deploy.bootstrap --district 430211 --admin-phone 138…`: what a district begins with.

The regions of `deploy/data/regions.csv` go to volunteers, the district's book is opened in the
ledger, and the first administrator is appointed: an ordinary person who signs in with a code as all
do, and grants every further role. Each step finds what it did before, so a run that was interrupted
is repaired by running it again.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from pymongo.errors import PyMongoError

from deploy import installation
from services.ledger import operations as ledger
from services.volunteers import model, repository
from services.volunteers import operations as volunteers
from services.volunteers.database import SERVICE as VOLUNTEERS
from services.volunteers.settings import VolunteersSettings
from shared import clock, regions
from shared.errors import Busy, Refusal
from shared.mongo import ServiceDatabase
from shared.settings import Settings

REGIONS = Path(__file__).parent / "data" / "regions.csv"
OPERATOR = "bootstrap"


class UnknownDistrict(Exception):
    """The regions that we have name no district of this code."""


def read_regions(path: Path = REGIONS) -> list[dict[str, str]]:
    """Return the regions of a file: code, name, parent, level."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def district_named(rows: Sequence[Mapping[str, str]], code: str) -> str:
    """Return a district's name; raise :class:`UnknownDistrict` for any other code."""
    for row in rows:
        if row["code"] == code and row["level"] == "district":
            return row["name"]
    raise UnknownDistrict(f"no district {code} in {REGIONS.name}")


def open_book(settings: Settings, *, district: str, name: str) -> int:
    """Open the district's book, or find it open; return the number of its first posting."""
    with _connected(settings, "ledger") as database:
        posting = ledger.open_book(
            database, book=district, name=name, zone=str(settings.time_zone), now=clock.now()
        )
        return posting.n


def load_regions(settings: VolunteersSettings, rows: Sequence[Mapping[str, str]]) -> int:
    """Give volunteers the regions; return how many were new or told otherwise."""
    with _connected(settings, VOLUNTEERS) as database:
        repository.make_collections(database)
        return volunteers.load_regions(database, rows)


def appoint(
    settings: VolunteersSettings, *, district: str, phone: str, name: str
) -> tuple[str, bool]:
    """Make the first administrator, or find that person; return the id and whether that is new."""
    with _connected(settings, VOLUNTEERS) as database:
        return database.unit_of_work(
            lambda work: volunteers.appoint_first_administrator(
                work,
                district=district,
                phone=model.normal_phone(phone),
                name=name,
                settings=settings,
                now=clock.now(),
            )
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Do all of it; return 0 once everything is there, 1 after one line that says what is not."""
    asked = _parser().parse_args(arguments)
    own = cast(
        "VolunteersSettings",
        installation.settings_of("volunteers", asked.data_dir, operator=OPERATOR),
    )
    books = installation.settings_of("ledger", asked.data_dir, operator=OPERATOR)
    clock.use(offset_file=own.clock_offset_file or None, error_s=own.clock_error_s)
    rows = read_regions()
    try:
        name = district_named(rows, asked.district)
        changed = load_regions(own, rows)
        print(f"regions: {len(rows)}, of them {changed} new or changed")
        n = open_book(books, district=asked.district, name=name)
        print(f"book {asked.district} {name}: open since posting {n}")
        if asked.admin_phone:
            person, new = appoint(
                own, district=asked.district, phone=asked.admin_phone, name=asked.admin_name
            )
            print(f"administrator {person}: {'appointed' if new else 'was appointed before'}")
    except (UnknownDistrict, Refusal) as refused:
        print(f"bootstrap: {refused}", file=sys.stderr)
    except (PyMongoError, Busy) as trouble:
        print(
            f"bootstrap: {type(trouble).__name__}: run it again once MongoDB answers",
            file=sys.stderr,
        )
    else:
        return 0
    return 1


@contextmanager
def _connected(settings: Settings, service: str) -> Iterator[ServiceDatabase]:
    database = ServiceDatabase.connect(settings, service)
    try:
        yield database
    finally:
        database.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.bootstrap", description=__doc__)
    parser.add_argument("--district", required=True, type=_district, help="its six digits")
    parser.add_argument("--admin-phone", help="the first administrator's; without it, none is made")
    parser.add_argument("--admin-name", default="管理员", help="of a person not registered yet")
    installation.add_arguments(parser)
    return parser


def _district(text: str) -> str:
    if not regions.is_code(text) or regions.district_of(text) != text:
        raise argparse.ArgumentTypeError("a district's code has six digits")
    return text


if __name__ == "__main__":
    raise SystemExit(main())
