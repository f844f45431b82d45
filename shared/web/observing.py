"""What operators see of a web process: health, readiness, metrics, one log line a request."""

from __future__ import annotations

import logging
import os

import marshmallow as ma
from flask import Flask, Response, g, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from shared import clock, logs
from shared.mongo import DatabaseTrouble, answered_within
from shared.web import problems
from shared.web.access import person_known, public
from shared.web.blueprint import Blueprint
from shared.web.running import service_db
from shared.web.schemas import Schema

READY_WITHIN_S = 3.0

REQUESTS = Counter(
    "gongxiang_http_requests", "Requests answered", ["service", "route", "method", "status"]
)
REQUEST_S = Histogram(
    "gongxiang_http_request_seconds",
    "Time to answer a request",
    ["service", "route", "method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

log = logging.getLogger(__name__)


class _Status(Schema):
    status = ma.fields.String(required=True)


health = Blueprint("health", __name__, description="运行状态 · Health and metrics")


@health.get("/healthz")
@public
@health.response(200, _Status)
def healthz() -> dict[str, str]:
    """Answer while the process lives."""
    return {"status": "ok"}


@health.get("/readyz")
@public
@health.response(200, _Status)
def readyz() -> dict[str, str] | Response:
    """Answer 200 while the database answers, else 503."""
    try:
        with answered_within(READY_WITHIN_S):
            service_db().client.admin.command("ping")
    except Exception as error:
        if not isinstance(error, DatabaseTrouble):
            raise
        return problems.problem(status=503, code="database-away")
    return {"status": "ready"}


@health.get("/metrics")
@public
@health.response(200, {"type": "string"}, content_type="text/plain")
def metrics() -> Response:
    """Show the figures of all web processes of this service."""
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def register(app: Flask, service: str) -> None:
    """Count, time and log every request under one correlation id."""

    @app.before_request
    def begin() -> None:
        g.began = clock.monotonic()

    @app.after_request
    def end(response: Response) -> Response:
        seconds = clock.monotonic() - g.get("began", clock.monotonic())
        # The rule, not the path: a bounded number of labels, and no ids in the figures.
        route = request.url_rule.rule if request.url_rule else "(none)"
        method = request.method if request.url_rule else "(any)"
        REQUESTS.labels(service, route, method, response.status_code).inc()
        REQUEST_S.labels(service, route, method).observe(seconds)
        response.headers["X-Correlation-Id"] = logs.trace_id()
        if request.endpoint not in ("health.healthz", "health.readyz", "health.metrics"):
            log.info(
                "request",
                extra={
                    "route": route,
                    "method": method,
                    "status": response.status_code,
                    "ms": round(seconds * 1000, 1),
                    "person": person_known(),
                },
            )
        return response
