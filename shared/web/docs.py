"""``/openapi.json`` and ``/docs``, a page to try it: no library, no internet."""

from __future__ import annotations

from pathlib import Path

import flask_smorest
from flask import Flask, Response, jsonify

from shared.web.access import public

_PAGES = Path(__file__).parent / "pages"
_ONLY_OURS = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


def register(app: Flask, api: flask_smorest.Api) -> None:
    """Show the document that the routes make, and the page made of it."""
    page = (_PAGES / "docs.html").read_bytes()
    script = (_PAGES / "docs.js").read_bytes()

    @app.get("/openapi.json")
    @public
    def openapi() -> Response:
        return jsonify(api.spec.to_dict())

    @app.get("/docs")
    @public
    def docs() -> Response:
        headers = {"Content-Security-Policy": _ONLY_OURS, "X-Content-Type-Options": "nosniff"}
        return Response(page, content_type="text/html; charset=utf-8", headers=headers)

    @app.get("/docs.js")
    @public
    def docs_script() -> Response:
        return Response(script, content_type="text/javascript; charset=utf-8")
