"""Sending a text to a telephone: a provider behind one method, chosen by a setting."""

from __future__ import annotations

import json
import logging
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Protocol

TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


class NotSent(Exception):
    """The provider did not take the text; it may be asked again."""


class Provider(Protocol):
    """Sends confirmation codes."""

    shows_code: bool
    """Whether whoever asks is told the code in the answer; for one's own machine only."""

    def send(self, *, phone: str, code: str, reference: str) -> None:
        """Send the code to the telephone; raise :class:`NotSent` where that failed."""


class EmbeddedProvider:
    """Shows the code on the console. For one's own machine; production refuses it at start."""

    shows_code = True

    def send(self, *, phone: str, code: str, reference: str) -> None:  # noqa: ARG002
        """Log the code and what it is for, not the telephone: that is personal data."""
        log.info("confirmation code", extra={"code": code, "confirmation_id": reference})


class WebhookProvider:
    """Posts ``{phone, code, reference}`` as JSON to a gateway that sends the text."""

    shows_code = False

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url
        self._token = token

    def send(self, *, phone: str, code: str, reference: str) -> None:
        """Post; any 2xx within five seconds means sent. ``reference`` is the code's own id."""
        body = json.dumps({"phone": phone, "code": code, "reference": reference}).encode()
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        request = urllib.request.Request(self._url, data=body, headers=headers)  # noqa: S310 - our own setting
        try:
            # An answer that is no 2xx raises; what it says is the operator's to see, at its end.
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                answer.read(1024)
        except (OSError, urllib.error.URLError, HTTPException) as error:
            status = getattr(error, "code", None)
            log.warning("code not sent", extra={"why": type(error).__name__, "status": status})
            raise NotSent from None
