"""Signing in, going on, signing out; and the tokens, which are computed and never stored."""

from __future__ import annotations

import base64
import hmac
from datetime import datetime, timedelta

from services.volunteers import model, repository
from services.volunteers.operations.confirmations import use_code
from services.volunteers.operations.sealed import phone_hmac
from services.volunteers.operations.shown import Shown
from services.volunteers.settings import VolunteersSettings
from shared import auth, ids, sealing
from shared.mongo import UnitOfWork


def sign_in(
    work: UnitOfWork,
    *,
    confirmation_id: str,
    phone: str,
    code: str,
    settings: VolunteersSettings,
    real_now: datetime,
) -> Shown:
    """Sign in the person of a telephone by the code sent to it."""
    use_code(
        work,
        confirmation_id=confirmation_id,
        phone=phone,
        code=code,
        settings=settings,
        real_now=real_now,
    )
    person = repository.person_of_phone(work, phone_hmac(settings, phone))
    if person is None:
        raise model.NotRegistered()
    return begin(work, person, settings=settings, real_now=real_now)


def begin(
    work: UnitOfWork, person: model.Person, *, settings: VolunteersSettings, real_now: datetime
) -> Shown:
    """Begin a chain of refresh tokens; return what :func:`tokens` makes tokens of."""
    model.check_may_sign_in(person.status)
    begun = model.SignIn(
        sign_in_id=ids.new_id(),
        person_id=person.person_id,
        serial=1,
        expires_at=real_now + timedelta(days=settings.refresh_token_days),
        ended_at=None,
    )
    repository.add_sign_in(work, begun, now=real_now)
    return _signed_in(work, person, begun.sign_in_id, begun.serial, real_now)


def refresh(
    work: UnitOfWork,
    token: model.RefreshToken,
    *,
    settings: VolunteersSettings,
    real_now: datetime,
) -> Shown:
    """Go on with a chain: the next token is the good one. A token used before ends the chain."""
    found = repository.sign_in(work, token.sign_in_id)
    try:
        going_on = model.check_refresh(found, token, now=real_now)
    except model.ReusedRefreshToken as reused:
        reused.leave = lambda later: repository.end_sign_in(
            later, token.sign_in_id, by="reuse", now=real_now
        )
        raise
    person = repository.person(work, going_on.person_id)
    if person is None:
        raise model.RefreshTokenNotValid()
    model.check_may_sign_in(person.status)
    until = real_now + timedelta(days=settings.refresh_token_days)
    if not repository.move_on(work, token.sign_in_id, serial=going_on.serial, expires_at=until):
        raise model.RefreshTokenNotValid()
    return _signed_in(work, person, token.sign_in_id, going_on.serial + 1, real_now)


def sign_out(work: UnitOfWork, token: model.RefreshToken, *, real_now: datetime) -> None:
    """End a chain; one that has ended already is as good."""
    repository.end_sign_in(work, token.sign_in_id, by="owner", now=real_now)


def tokens(settings: VolunteersSettings, signed_in: Shown) -> Shown:
    """Return the tokens of a sign-in: the same again each time, so that no answer keeps them."""
    issued_at: datetime = signed_in["issued_at"]
    lifetime = timedelta(minutes=settings.access_token_minutes)
    sign_in_id, serial = signed_in["sign_in_id"], signed_in["serial"]
    access = auth.issue(
        person_id=signed_in["volunteer_id"],
        number=signed_in["number"],
        grants=[auth.Grant(auth.Role(role), region) for role, region in signed_in["roles"]],
        key=settings.token_keys.current,
        now=issued_at,
        lifetime=lifetime,
        token_id=f"{sign_in_id}.{serial}",
    )
    key_id, seed = settings.token_keys.current
    return signed_in | {
        "access_token": access,
        "refresh_token": f"{sign_in_id}.{serial}.{key_id}.{_mark(seed, sign_in_id, serial)}",
        "expires_at": issued_at + lifetime,
        "roles": [{"role": role, "region": region} for role, region in signed_in["roles"]],
    }


def read_refresh_token(settings: VolunteersSettings, text: str) -> model.RefreshToken:
    """Return what a refresh token says; refuse one that is not marked with a key of ours."""
    head, _, mark = text.rpartition(".")
    parts = head.split(".", 2)
    seed = settings.token_keys.keys.get(parts[2]) if len(parts) == 3 else None
    if seed is None or not parts[1].isdecimal() or not ids.is_safe(parts[0]):
        raise model.RefreshTokenNotValid()
    token = model.RefreshToken(sign_in_id=parts[0], serial=int(parts[1][:9]))
    good = _mark(seed, token.sign_in_id, token.serial)
    if not hmac.compare_digest(mark.encode(), good.encode()):
        raise model.RefreshTokenNotValid()
    return token


def _signed_in(
    work: UnitOfWork,
    person: model.Person,
    sign_in_id: str,
    serial: int,
    real_now: datetime,
) -> Shown:
    grants = repository.standing_grants(work, person.person_id)
    return {
        "volunteer_id": person.person_id,
        "number": person.number,
        "region": person.region,
        "status": person.status.value,
        "roles": [[grant.role, grant.region] for grant in grants],
        "sign_in_id": sign_in_id,
        "serial": serial,
        "issued_at": real_now,
    }


def _mark(seed: bytes, sign_in_id: str, serial: int) -> str:
    mark = sealing.fingerprint(seed, "refresh", f"{sign_in_id}.{serial}")
    return base64.urlsafe_b64encode(mark).rstrip(b"=").decode()
