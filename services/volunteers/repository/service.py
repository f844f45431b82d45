"""One row of minutes per service record, and a tally per person that sums them."""

from __future__ import annotations

from services.volunteers import model
from services.volunteers.repository.source import Document, Source, session_of
from shared.mongo import ServiceDatabase, UnitOfWork


def minutes_of_record(work: UnitOfWork, record_id: str) -> model.ServiceMinutes | None:
    """Return what is kept of a record; None where it was never heard of."""
    row = work.db.minutes.find_one({"_id": record_id}, session=work.session)
    return _minutes(row) if row else None


def save_minutes(work: UnitOfWork, minutes: model.ServiceMinutes) -> None:
    """Keep the row of a record, replacing it whole."""
    work.db.minutes.replace_one(
        {"_id": minutes.record_id},
        {
            "_id": minutes.record_id,
            "volunteer_id": minutes.volunteer_id,
            "version": minutes.version,
            "kind": minutes.kind,
            "minutes": minutes.minutes,
            "served_at": minutes.served_at,
            "district": minutes.district,
        },
        upsert=True,
        session=work.session,
    )


def minutes_by_kind(work: UnitOfWork, volunteer_id: str) -> list[tuple[str, int]]:
    """Return kind and minutes of every row of a person."""
    rows = work.db.minutes.find(
        {"volunteer_id": volunteer_id}, {"kind": 1, "minutes": 1}, session=work.session
    )
    return [(row["kind"], row["minutes"]) for row in rows]


def save_tally(work: UnitOfWork, volunteer_id: str, totals: model.Totals) -> None:
    """Keep a person's sums; every transaction that changes a row of the person writes this."""
    row = work.db.tallies.find_one({"_id": volunteer_id}, session=work.session)
    work.db.tallies.replace_one(
        {"_id": volunteer_id},
        {
            "_id": volunteer_id,
            "credit_minutes": totals.credit_minutes,
            "honorary_minutes": totals.honorary_minutes,
            "stars": totals.stars,
            "revision": (row["revision"] if row else 0) + 1,
        },
        upsert=True,
        session=work.session,
    )


def tally(source: Source, volunteer_id: str) -> Document | None:
    """Return a person's sums; None where no service was heard of yet."""
    return source.db.tallies.find_one({"_id": volunteer_id}, session=session_of(source))


def rows_of_person(
    database: ServiceDatabase, volunteer_id: str, *, before: str | None, limit: int
) -> list[model.ServiceMinutes]:
    """Return a person's rows, the newest record first."""
    wanted: Document = {"volunteer_id": volunteer_id}
    if before is not None:
        wanted["_id"] = {"$lt": before}
    rows = database.db.minutes.find(wanted).sort("_id", -1).limit(limit)
    return [_minutes(row) for row in rows]


def _minutes(row: Document) -> model.ServiceMinutes:
    return model.ServiceMinutes(
        record_id=row["_id"],
        volunteer_id=row["volunteer_id"],
        version=row["version"],
        kind=row["kind"],
        minutes=row["minutes"],
        served_at=row["served_at"],
        district=row["district"],
    )
