"""Confirming a telephone, joining, signing in and out, over HTTP."""

from __future__ import annotations

from typing import Any

from services.volunteers import operations
from services.volunteers.routes.running import own_settings
from services.volunteers.schemas import (
    AskConfirmation,
    ConfirmationAsked,
    Register,
    ShowRefreshToken,
    SignedIn,
    SignIn,
)
from shared import clock
from shared.auth import KnownKeys
from shared.web import Blueprint, also, once, public, service_db

sign_ins = Blueprint("sign_ins", __name__, url_prefix="/v1", description="登录 · Signing in")
key_set = Blueprint("key_set", __name__, description="公钥 · The public keys of the tokens")


@sign_ins.post("/phone-confirmations")
@public
@sign_ins.arguments(AskConfirmation)
@sign_ins.response(202, ConfirmationAsked)
def ask_confirmation(body: dict[str, Any]) -> Any:
    """Send a code of six digits to a telephone."""
    settings, phone = own_settings(), body["phone"]

    def send(asked: dict[str, Any]) -> dict[str, Any]:
        return asked | operations.send_code(
            service_db(),
            confirmation_id=asked["confirmation_id"],
            phone=phone,
            settings=settings,
            real_now=clock.real_now(),
        )

    return once(
        lambda work: operations.ask_confirmation(
            work, phone=phone, settings=settings, real_now=clock.real_now()
        ),
        status=202,
        holding=_scope_of(phone),
        show=send,
        scope=_scope_of(phone),
    )


@sign_ins.post("/volunteers")
@public
@sign_ins.arguments(Register)
@sign_ins.response(201, SignedIn)
def register(body: dict[str, Any]) -> Any:
    """Join with the code sent to one's telephone; signs in too."""
    settings = own_settings()
    return once(
        lambda work: operations.register(
            work, **body, settings=settings, now=clock.now(), real_now=clock.real_now()
        ),
        holding=_scope_of(body["phone"]),
        show=lambda signed_in: operations.tokens(settings, signed_in),
        scope=_scope_of(body["phone"]),
    )


@sign_ins.post("/sessions")
@public
@sign_ins.arguments(SignIn)
@sign_ins.response(201, SignedIn)
def sign_in(body: dict[str, Any]) -> Any:
    """Sign in with the code sent to one's telephone."""
    settings = own_settings()
    return once(
        lambda work: operations.sign_in(work, **body, settings=settings, real_now=clock.real_now()),
        holding=_scope_of(body["phone"]),
        show=lambda signed_in: operations.tokens(settings, signed_in),
        scope=_scope_of(body["phone"]),
    )


@sign_ins.post("/session-refreshes")
@public
@sign_ins.arguments(ShowRefreshToken)
@sign_ins.response(201, SignedIn)
@also(401, "The refresh token is no good, or its sign-in has ended.")
def refresh(body: dict[str, Any]) -> Any:
    """Get new tokens for the refresh token; a token used before ends the sign-in."""
    settings = own_settings()
    token = operations.read_refresh_token(settings, body["refresh_token"])
    return once(
        lambda work: operations.refresh(work, token, settings=settings, real_now=clock.real_now()),
        holding=f"sign-in:{token.sign_in_id}",
        show=lambda signed_in: operations.tokens(settings, signed_in),
        scope=f"sign-in:{token.sign_in_id}",
    )


@sign_ins.post("/session-ends")
@public
@sign_ins.arguments(ShowRefreshToken)
@sign_ins.response(204)
@also(401, "The refresh token is no good, or its sign-in has ended.")
def sign_out(body: dict[str, Any]) -> Any:
    """Sign out; the access token ends within its life."""
    token = operations.read_refresh_token(own_settings(), body["refresh_token"])
    return once(
        lambda work: operations.sign_out(work, token, real_now=clock.real_now()),
        status=204,
        scope=f"sign-in:{token.sign_in_id}",
    )


@key_set.get("/.well-known/jwks.json")
@public
@key_set.response(200)
def jwks() -> Any:
    """Show the public keys that verify access tokens."""
    published = KnownKeys(own_settings().token_keys.keys).published()
    return published, 200, {"Cache-Control": "public, max-age=60"}


def _scope_of(phone: str) -> str:
    return f"phone:{operations.phone_hmac(own_settings(), phone)}"
