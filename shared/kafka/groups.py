"""The consumer groups' names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def group_prefix(service: str) -> str:
    """Return how the names of all groups of a service begin: its right to join is for these."""
    return f"{service}-"


def group_name(service: str, log_ids: Mapping[str, str]) -> str:
    """Return the consumer group of a service on these logs: its offsets speak of no other log."""
    text = "\n".join(f"{topic}={log_ids[topic]}" for topic in sorted(log_ids))
    return f"{group_prefix(service)}{hashlib.sha256(text.encode()).hexdigest()[:12]}"
