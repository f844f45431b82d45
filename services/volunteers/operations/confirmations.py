"""Confirming a telephone: asking for a code, sending it, and using it."""

from __future__ import annotations

import hmac
from datetime import datetime

from services.volunteers import model, repository
from services.volunteers.operations.sealed import phone_hmac
from services.volunteers.operations.shown import Shown
from services.volunteers.settings import VolunteersSettings
from shared import ids, sealing, sms
from shared.errors import Busy
from shared.mongo import ServiceDatabase, UnitOfWork


def ask_confirmation(
    work: UnitOfWork, *, phone: str, settings: VolunteersSettings, real_now: datetime
) -> Shown:
    """Open a confirmation of this telephone; refuse one code too many within the hour."""
    whose = phone_hmac(settings, phone)
    times = model.sendings(
        repository.sent_at(work, whose), now=real_now, most=settings.codes_an_hour
    )
    repository.save_sendings(work, whose, times)
    confirmation = model.Confirmation(
        confirmation_id=ids.new_id(),
        phone_hmac=whose,
        expires_at=real_now + model.CODE_LIFE,
        guesses=0,
        used_at=None,
        sent_at=None,
    )
    repository.add_confirmation(work, confirmation)
    return {
        "confirmation_id": confirmation.confirmation_id,
        "expires_at": confirmation.expires_at,
    }


def send_code(
    database: ServiceDatabase,
    *,
    confirmation_id: str,
    phone: str,
    settings: VolunteersSettings,
    real_now: datetime,
) -> Shown:
    """Send the code unless it was sent; return what the asker may be shown of it.

    After the commit, since no sending can be taken back; asked again, it is tried again.
    """
    provider = _provider(settings)
    code = _code(settings, confirmation_id)
    if repository.claim_sending(database, confirmation_id, now=real_now):
        try:
            provider.send(phone=phone, code=code, reference=confirmation_id)
        except sms.NotSent as error:
            repository.unclaim_sending(database, confirmation_id)
            raise Busy("the code could not be sent") from error
    return {"embedded_code": code} if provider.shows_code else {}


def use_code(
    work: UnitOfWork,
    *,
    confirmation_id: str,
    phone: str,
    code: str,
    settings: VolunteersSettings,
    real_now: datetime,
) -> None:
    """Use the code of a confirmation; a wrong guess is counted where its refusal is kept."""
    confirmation = repository.confirmation(work, confirmation_id)
    model.check_open(confirmation, phone_hmac=phone_hmac(settings, phone), now=real_now)
    if not hmac.compare_digest(code.encode(), _code(settings, confirmation_id).encode()):
        wrong = model.WrongCode()
        wrong.leave = lambda later: _leave_guess(later, confirmation_id)
        raise wrong
    if not repository.use_code(work, confirmation_id, most=model.GUESSES_MAX, now=real_now):
        raise model.CodeUsed()


def _provider(settings: VolunteersSettings) -> sms.Provider:
    if settings.sms_provider == "webhook":
        return sms.WebhookProvider(settings.sms_webhook_url, settings.sms_webhook_token)
    return sms.EmbeddedProvider()


def _leave_guess(work: UnitOfWork, confirmation_id: str) -> None:
    # Counted already as often as can be: then there is nothing left to count.
    repository.count_guess(work, confirmation_id, most=model.GUESSES_MAX)


def _code(settings: VolunteersSettings, confirmation_id: str) -> str:
    """Return the code of a confirmation: computed whenever it is needed, never stored."""
    drawn = sealing.fingerprint(settings.phone_key, "code", confirmation_id)
    return f"{int.from_bytes(drawn[:16], 'big') % 10**model.CODE_DIGITS:0{model.CODE_DIGITS}}"
