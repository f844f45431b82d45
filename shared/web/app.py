"""The Flask app factory that every service's web process is made with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

import flask_smorest
from flask import Flask, Response, g, request
from flask.json.provider import DefaultJSONProvider

from shared import ids, logs
from shared.auth import FetchedKeys, Verifier
from shared.mongo import ServiceDatabase, answered_within
from shared.settings import Settings
from shared.web import access, docs, fields, limits, observing, problems
from shared.web.blueprint import Blueprint
from shared.web.running import DATABASE, service_db
from shared.web.schemas import ProblemSchema
from shared.web.waiting import prefer_wait

__all__ = ["create_app", "service_db"]

ADDRESS_CHARS_MAX = 4_096
DATABASE_S_MAX = 10.0
"""What a request asks of the database, all in all; besides what its ``Prefer: wait`` says."""


class _Json(DefaultJSONProvider):
    ensure_ascii = False
    sort_keys = False


class _Api(flask_smorest.Api):  # type: ignore[misc]
    """flask-smorest's API whose errors are problems."""

    ERROR_SCHEMA = ProblemSchema
    # Each route names what it may answer: what is not described is a fault.
    DEFAULT_ERROR_RESPONSE_NAME = None

    def handle_http_exception(self, error: Any) -> Response:
        """Answer in our words: see :mod:`shared.web.problems`."""
        return problems.from_http(error)

    def _register_etag_headers(self) -> None:
        super()._register_etag_headers()
        shown = self.spec.components.parameters_lazy["IF_MATCH"]
        # An empty one names nothing, and is answered as if it were missing.
        tag = '(W/)?"[!#-~]+"'
        shown["schema"] = {"type": "string", "pattern": f"^([*]|{tag}(, ?{tag})*)$"}

    def _register_responses(self) -> None:
        schema = {"$ref": "#/components/schemas/Problem"}
        for status in HTTPStatus:
            if status >= HTTPStatus.BAD_REQUEST:
                content = {problems.MEDIA_TYPE: {"schema": schema}}
                response = {"description": status.phrase, "content": content}
                self.spec.components.response(status.name, response, lazy=True)


def create_app(
    settings: Settings,
    *,
    service: str,
    database: ServiceDatabase,
    blueprints: Sequence[Blueprint],
    verifier: Verifier | None = None,
) -> Flask:
    """Return the app of a service's web process; refuses routes that name no role."""
    app = Flask(f"gongxiang.{service}", static_folder=None)
    app.json = _Json(app)
    app.config.update(
        API_TITLE=f"Gongxiang 贡享 · {service}",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        MAX_CONTENT_LENGTH=access.BODY_BYTES_MAX,
        MAX_FORM_PARTS=10,
    )
    app.extensions[DATABASE] = database
    _begin_requests(app)
    observing.register(app, service)
    _read_requests(app, verifier or Verifier(FetchedKeys(settings.jwks_url)))
    limits.register(app, settings)
    problems.register(app)
    _document(app, [*blueprints, observing.health], settings)
    access.check_routes(app)
    return app


def _begin_requests(app: Flask) -> None:
    @app.before_request
    def correlate() -> None:
        g.around = ExitStack()
        g.around.enter_context(logs.with_correlation(request.headers.get("traceparent")))
        # A database that is cut off keeps silent: nobody waits for it longer than this.
        g.around.enter_context(answered_within(DATABASE_S_MAX + prefer_wait()))

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        # What one person was shown is nobody's to keep; what has a tag may be asked for again.
        if "ETag" not in response.headers:
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        around = g.pop("around", None)
        if around is not None:
            around.close()


def _read_requests(app: Flask, verifier: Verifier) -> None:
    @app.before_request
    def read() -> Response | None:
        access.read_token(verifier)
        if len(request.full_path) > ADDRESS_CHARS_MAX:
            return problems.problem(status=414)
        if any("\x00" in text for pair in request.args.items(multi=True) for text in pair):
            return problems.problem(status=400)
        # No id of ours looks like this, so there is nothing of that name.
        given = (request.view_args or {}).values()
        if "\x00" in request.path or not all(ids.is_safe(str(value)) for value in given):
            return problems.problem(status=404)
        return None


def _document(app: Flask, blueprints: Sequence[Blueprint], settings: Settings) -> None:
    api = _Api(app)
    for kind in (fields.When, fields.Day):
        api.register_field(kind, "string", "date-time" if kind is fields.When else "date")
    api.spec.components.schema("Problem", schema=ProblemSchema)
    api.spec.components.security_scheme(
        "bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    )
    api.spec.components.parameter(
        "IDEMPOTENCY_KEY",
        "header",
        {
            "name": "Idempotency-Key",
            "required": True,
            "description": "Names this wish; asked again with the same key, it is answered alike.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        },
    )
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    docs.register(app, api, jar=settings.swagger_ui)
