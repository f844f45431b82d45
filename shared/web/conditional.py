"""ETag and If-Match: nobody overwrites what he has not seen."""

from __future__ import annotations

from typing import Any

from flask import Response, after_this_request, request
from flask_smorest.exceptions import NotModified, PreconditionFailed, PreconditionRequired


def etag(revision: int | str) -> None:
    """Give this answer its tag; ends the request with 304 where the asker has just this one."""
    tag = str(revision)
    if request.method in ("GET", "HEAD") and request.if_none_match.contains_weak(tag):
        raise NotModified(response=Response(status=304, headers={"ETag": f'"{tag}"'}))

    @after_this_request
    def tagged(response: Response) -> Response:
        if response.status_code < 300:
            response.set_etag(tag)
        return response


def if_match(revision: int | str) -> None:
    """Refuse with 428 where If-Match is missing, with 412 where it names another revision.

    The write guards on the revision once more: this check has seen only what was there before.
    """
    asked: Any = request.if_match
    if not asked and not asked.star_tag:
        raise PreconditionRequired
    if str(revision) not in asked:
        raise PreconditionFailed
