"""A WSGI app for the tests of the web's worker: says what came, slowly, a lot, or no."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from shared import clock

LARGE = 1_500_000
SLOW_S = 0.3


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer with the body that came."""
    if environ["PATH_INFO"] == "/large":
        body = b"x" * LARGE
    else:
        body = environ["wsgi.input"].read() or b"nothing"
    if environ["PATH_INFO"] == "/slow":
        clock.sleep(SLOW_S)
    headers = [("Content-Length", str(len(body)))]
    if environ["PATH_INFO"].startswith("/often"):
        limited = [("X-Limited", "address")] if environ["PATH_INFO"] == "/often-from-here" else []
        start_response("429 Too Many Requests", [*headers, ("Retry-After", "30"), *limited])
    else:
        start_response("200 OK", headers)
    return [body]
