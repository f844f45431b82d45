"""What the processes of volunteers need to know besides what all do."""

from __future__ import annotations

from dataclasses import dataclass

from shared.settings import BadSettings, KeyRing, Settings, variable

SMS_PROVIDERS = ("embedded", "webhook")


@dataclass(frozen=True, kw_only=True)
class VolunteersSettings(Settings):
    """The common settings, the keys, and who sends confirmation codes.

    To turn the token keys without a false 401: put the new key last and start anew, wait a minute
    until every service has fetched it, then put it first and start anew; the old one stays in the
    ring for as long as refresh tokens live.
    """

    token_keys: KeyRing
    """Ed25519 seeds; the first signs access tokens and marks refresh tokens."""
    phone_key: bytes
    """Finds people by their telephone, and makes confirmation codes. It cannot be turned."""
    person_keys: KeyRing
    """Wrap each person's own key; the first wraps new ones."""
    access_token_minutes: int = 30
    refresh_token_days: int = 30
    sms_provider: str = "embedded"
    """``embedded`` shows the code on the console and to the asker; ``webhook`` posts it."""
    sms_webhook_url: str = ""
    sms_webhook_token: str = ""
    codes_an_hour: int = 10
    """How many codes one telephone is sent within an hour."""

    def __post_init__(self) -> None:
        if self.sms_provider not in SMS_PROVIDERS:
            raise BadSettings(f"{variable('sms_provider')} is one of {', '.join(SMS_PROVIDERS)}")
        if self.sms_provider == "embedded" and not self.embedded:
            raise BadSettings(
                f"{variable('sms_provider')}=embedded shows everybody the codes: "
                "it is for embedded mode only; use webhook"
            )
        if self.sms_provider == "webhook" and not self.sms_webhook_url.startswith("http"):
            raise BadSettings(f"{variable('sms_webhook_url')} is missing")
