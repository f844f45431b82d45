"""Rate limits, in memory of each process for now: per address, and per person."""

from __future__ import annotations

from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded

from shared import clock
from shared.settings import Settings
from shared.web.access import person_known
from shared.web.problems import problem

FREE = frozenset({"health.healthz", "health.readyz", "health.metrics"})

MINUTE_S = 60


def register(app: Flask, settings: Settings) -> None:
    """Answer 429 with Retry-After to who asks more often than the settings allow; 0 is no limit."""
    limits = []
    if settings.requests_a_minute_address:
        limits.append(
            ApplicationLimit(
                f"{settings.requests_a_minute_address}/minute",
                key_function=_address,
                scope="address",
                exempt_when=_free,
            )
        )
    if settings.requests_a_minute:
        limits.append(
            ApplicationLimit(
                f"{settings.requests_a_minute}/minute",
                key_function=lambda: person_known() or "",
                scope="person",
                exempt_when=lambda: _free() or person_known() is None,
            )
        )
    if not limits:
        return
    limiter = Limiter(_address, application_limits=list(limits), storage_uri="memory://")
    limiter.init_app(app)

    def too_many(_error: RateLimitExceeded) -> Response:
        current = limiter.current_limit
        wait = round(current.reset_at - clock.real_now().timestamp()) if current else 1
        headers = {"Retry-After": str(min(max(1, wait), MINUTE_S))}
        if current and current.request_args[-1] == "address":
            headers["X-Limited"] = "address"
        return problem(status=429, headers=headers)

    app.register_error_handler(RateLimitExceeded, too_many)


def _address() -> str:
    return request.remote_addr or "unknown"


def _free() -> bool:
    return request.endpoint in FREE
