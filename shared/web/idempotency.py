"""``once``: a POST that creates or moves something happens once, however often it is asked.

The client names its wish with ``Idempotency-Key``. What it was answered is kept in ``answers``, in
the transaction of the effect; a refusal, whose transaction is gone, in one of its own, which looks
the key up first. Two at once meet on the key's row: one aborts, runs again from the look-up, and
finds the other's answer.

Nobody waits in line for a no: where others hold the contended thing, a transaction that only reads
it comes first. It finds the kept answer, or that none is free, and keeps that refusal itself. What
it reads is one snapshot, so each refusal is true of a moment between the question and its answer,
as one from the front of the line would be; whoever is not refused there goes and waits.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Response, request

from shared import clock
from shared.errors import Refusal
from shared.mongo import UnitOfWork
from shared.web import problems
from shared.web.access import principal
from shared.web.describing import note
from shared.web.running import service_db
from shared.web.waiting import prefer_wait

NEVER_KEPT = frozenset({400, 401, 413, 429})
_KEY = re.compile(r"[\x21-\x7e]{1,128}")

Answer = dict[str, Any] | None
View = TypeVar("View", bound=Callable[..., Any])


class IdempotencyKeyMissing(Refusal):
    """The request creates or moves something and does not name itself."""

    status = 400
    title = "缺少 Idempotency-Key · Idempotency-Key is missing or not 1 to 128 visible characters"


class IdempotencyKeyReused(Refusal):
    """The key was used for something else."""

    status = 422
    title = "Idempotency-Key 已用于其他请求 · This Idempotency-Key was used for another request"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked: by whom and under which key, and a digest of all of it."""

    id: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What was answered: a value or a refusal, and whether it was answered before."""

    status: int
    value: Answer
    refused: dict[str, Any] | None
    repeated: bool


def once(
    body: Callable[[UnitOfWork], Answer],
    *,
    status: int = 201,
    holding: str | None = None,
    look: Callable[[UnitOfWork], object] | None = None,
    renew: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    wait: Callable[[dict[str, Any], float], object] | None = None,
    show: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    scope: str | None = None,
) -> Any:
    """Run ``body`` in a unit of work under the request's key; return value, status and headers.

    - ``status`` is what a first success answers; ``body`` returns plain values or None.
    - ``holding`` names the contended thing that the body takes from.
    - ``look`` only reads, and refuses where nothing of it is free; run first where others hold it.
    - ``renew`` makes of a kept 202 the resource as it is now.
    - ``wait`` is called with the answer and the seconds of ``Prefer: wait`` before that.
    - ``show`` adds what must not be kept (tokens, names) to what is answered, first and repeated.
    - ``scope`` says whose key it is where no person is known yet.
    """
    asked = _asked(scope if scope is not None else principal().person_id)
    kept = answer_once(asked, body, status=status, holding=holding, look=look)
    headers = {"Idempotency-Replayed": "true"} if kept.repeated else {}
    if kept.refused is not None:
        return problems.from_plain(kept.refused, headers)
    value = kept.value
    if kept.status == 202 and value is not None:
        seconds = prefer_wait()
        if wait is not None and seconds > 0:
            wait(value, seconds)
            headers["Preference-Applied"] = f"wait={seconds:g}"
        if renew is not None and (kept.repeated or "Preference-Applied" in headers):
            value = renew(value)
    if value is not None and show is not None:
        value = show(value)
    if value is None:
        return Response(status=kept.status, headers=headers)
    return value, kept.status, headers


def keyless(view: View) -> View:
    """Document a POST that only reads, and so takes no key. Stands anywhere below the route."""
    return note(view, keyless=True)


def answer_once(
    asked: Asked,
    body: Callable[[UnitOfWork], Answer],
    *,
    status: int,
    holding: str | None,
    look: Callable[[UnitOfWork], object] | None = None,
) -> Kept:
    """Return what was answered under the key, running ``body`` where nothing was answered yet."""

    def effect(work: UnitOfWork) -> Kept:
        found = look_up(work, asked)
        if found is not None:
            return found
        return keep(work, asked, status=status, value=body(work))

    if look is not None and holding is not None and service_db().held(holding):
        known = _looked_first(asked, look)
        if known is not None:
            return known
    try:
        return service_db().unit_of_work(effect, holding=holding)
    except IdempotencyKeyReused:
        raise
    except Refusal as refusal:
        return _answer_refusal(asked, refusal, holding)


def _looked_first(asked: Asked, look: Callable[[UnitOfWork], object]) -> Kept | None:
    """Return what was answered, or the refusal that only reading finds; None where neither is."""

    def reading(work: UnitOfWork) -> Kept | None:
        found = look_up(work, asked)
        if found is not None:
            return found
        try:
            look(work)
        except Refusal as refusal:
            if _never_kept(refusal) or getattr(refusal, "leave", None) is not None:
                return None
            # Nothing was written, so there is nothing to take back: the refusal can stand here.
            return keep(work, asked, status=refusal.status, refused=problems.plain(refusal))
        return None

    # Two at once under one key need not meet on its row first to find each other's answer.
    return service_db().unit_of_work(reading, holding=f"answer:{asked.id}")


def _never_kept(refusal: Refusal) -> bool:
    return refusal.status in NEVER_KEPT or refusal.status >= 500


def _answer_refusal(asked: Asked, refusal: Refusal, holding: str | None) -> Kept:
    leave: Callable[[UnitOfWork], None] | None = getattr(refusal, "leave", None)
    never_kept = _never_kept(refusal)

    def aftermath(work: UnitOfWork) -> Kept | None:
        found = look_up(work, asked)
        if found is not None:
            return found
        if leave is not None:
            leave(work)
        if never_kept:
            return None
        return keep(work, asked, status=refusal.status, refused=problems.plain(refusal))

    if never_kept and leave is None:
        raise refusal
    # What is left behind is written on the contended thing; a row of answers alone is not.
    kept = service_db().unit_of_work(aftermath, holding=holding if leave is not None else None)
    if kept is None:
        raise refusal
    return kept


def _asked(scope: str) -> Asked:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise IdempotencyKeyMissing
    digest = hashlib.sha256()
    for part in (request.method.encode(), request.path.encode(), request.get_data(cache=True)):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return Asked(id=f"{scope} {key}", digest=digest.hexdigest())


def look_up(work: UnitOfWork, asked: Asked) -> Kept | None:
    """Return what was answered under a key, as the transaction sees it; None where nothing was."""
    row = work.db.answers.find_one({"_id": asked.id}, session=work.session)
    if row is None:
        return None
    if row["digest"] != asked.digest:
        raise IdempotencyKeyReused
    return Kept(status=row["status"], value=row["value"], refused=row["refused"], repeated=True)


def keep(
    work: UnitOfWork,
    asked: Asked,
    *,
    status: int,
    value: Answer = None,
    refused: dict[str, Any] | None = None,
) -> Kept:
    """Keep an answer under its key, in the transaction of its effect; return it."""
    row = {
        "_id": asked.id,
        "digest": asked.digest,
        "status": status,
        "value": value,
        "refused": refused,
        "kept_at": clock.real_now(),
    }
    work.db.answers.insert_one(row, session=work.session)
    return Kept(status=status, value=value, refused=refused, repeated=False)
