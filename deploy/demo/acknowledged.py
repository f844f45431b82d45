"""What clients were answered: the audit holds it against what the databases say."""

from __future__ import annotations

from typing import Any


class Acknowledged:
    """Every answer to a POST, in the order in which the answers came; safe between threads."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []

    def note(
        self, *, service: str, method: str, path: str, key: str, status: int, body: Any
    ) -> None:
        """Keep one answer."""
        self.answers.append(
            {
                "service": service,
                "method": method,
                "path": path,
                "key": key,
                "status": status,
                "body": body,
            }
        )
