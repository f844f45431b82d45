"""Whatever goes wrong, said as ``application/problem+json`` (RFC 9457), without internals."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from shared.errors import Alarm, Busy, Refusal
from shared.mongo import DatabaseTrouble, raise_alarm
from shared.web.fields import moment_text
from shared.web.running import service_db

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:gongxiang:problem:"
RETRY_AFTER_S = 1
_KEPT_HEADERS = frozenset({"allow", "retry-after"})

log = logging.getLogger(__name__)

_TITLES: Mapping[int, tuple[str, str]] = {
    400: ("unreadable-request", "请求无法读取 · The request cannot be read"),
    401: ("not-signed-in", "请先登录 · Not signed in"),
    403: ("not-allowed", "没有权限 · Not allowed"),
    404: ("not-there", "没有找到 · Not found"),
    405: ("method-not-allowed", "不支持此方法 · This method is not offered here"),
    406: ("not-acceptable", "无法提供此格式 · Not to be had in this form"),
    409: ("conflict", "状态冲突 · Conflict"),
    412: ("changed-meanwhile", "内容已被修改 · Changed meanwhile"),
    413: ("body-too-large", "内容过大 · The body is too large"),
    414: ("address-too-long", "地址过长 · The address is too long"),
    415: ("media-type-not-supported", "不支持此内容类型 · This content type is not taken"),
    422: ("invalid", "内容无效 · Invalid content"),
    428: ("if-match-missing", "缺少 If-Match · If-Match is missing"),
    429: ("too-many-requests", "请求过于频繁 · Too many requests"),
    431: ("headers-too-large", "请求头过大 · The headers are too large"),
    500: ("unexpected", "服务器出错 · Something went wrong here"),
    503: ("busy", "服务繁忙，请稍后再试 · Busy, please ask again shortly"),
}


def problem(
    *,
    status: int,
    code: str | None = None,
    title: str | None = None,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Response:
    """Return a problem as a response; what is left out follows from the status."""
    known_code, known_title = _TITLES.get(status, ("refused", HTTPStatus(status).phrase))
    code = code or known_code
    body = {
        **(facts or {}),
        "type": TYPE + code,
        "code": code,
        "title": title or known_title,
        "status": status,
        "detail": detail,
    }
    text = json.dumps(
        {name: value for name, value in body.items() if value != ""}, ensure_ascii=False
    )
    response = Response(text, status=status, content_type=MEDIA_TYPE)
    response.headers.update(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers.setdefault("WWW-Authenticate", "Bearer")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_S))
    return response


def plain(refusal: Refusal) -> dict[str, Any]:
    """Return a refusal as plain values, to keep and to show again."""
    return {
        "status": refusal.status,
        "code": refusal.code,
        "title": refusal.title,
        "detail": refusal.detail,
        "facts": {name: _json(value) for name, value in refusal.facts.items()},
    }


def from_plain(kept: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """Return the problem of a refusal that was made plain."""
    return problem(
        status=kept["status"],
        code=kept["code"],
        title=kept["title"] or None,
        detail=kept["detail"],
        headers=headers,
        facts=kept["facts"],
    )


def refused(refusal: Refusal) -> Response:
    """Return the problem of a refusal."""
    headers = {}
    if "retry_after" in refusal.facts:
        headers["Retry-After"] = str(refusal.facts["retry_after"])
    return from_plain(plain(refusal), headers)


def unexpected(error: Exception) -> Response:
    """Answer what nobody foresaw: 503 where the database failed, else 500; the log has the rest."""
    if isinstance(error, Busy):
        return problem(status=503)
    if isinstance(error, DatabaseTrouble):
        log.warning("database trouble", extra={"route": _route(), "reason": type(error).__name__})
        return problem(status=503, code="database-away")
    if isinstance(error, Alarm):
        _keep_alarm(error)
    log.error("unexpected", exc_info=error, extra={"route": _route()})
    return problem(status=500)


def _keep_alarm(alarm: Alarm) -> None:
    try:
        raise_alarm(service_db(), alarm.kind, alarm.about, alarm.detail)
    except DatabaseTrouble as error:
        log.warning("alarm not kept", extra={"reason": type(error).__name__})


def from_http(error: HTTPException) -> Response:
    """Answer what Flask, webargs or the limiter raised, in our words instead of theirs."""
    response = error.get_response()
    status = response.status_code
    if status < HTTPStatus.BAD_REQUEST:
        return Response(status=status, headers=dict(response.headers))
    headers = {n: v for n, v in response.headers.items() if n.lower() in _KEPT_HEADERS}
    data = getattr(error, "data", None) or {}
    facts = {"errors": _fields(data["messages"])} if "messages" in data else {}
    return problem(status=status, headers=headers, facts=facts)


def register(app: Flask) -> None:
    """Let the app answer every exception with a problem."""
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, unexpected)


def _fields(messages: Any) -> Any:
    """Return field errors without the location that webargs puts around them."""
    if isinstance(messages, dict) and len(messages) == 1:
        (location, inner), *_ = messages.items()
        if location in ("json", "query", "form", "files") and isinstance(inner, dict):
            return inner
    return messages


def _route() -> str:
    return f"{request.method} {request.url_rule or '?'}"


def _json(value: Any) -> Any:
    return moment_text(value) if isinstance(value, datetime) else value
