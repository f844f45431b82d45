"""The audit after a fault: what people were told, held against what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.audit import audit
from deploy.embedded.system import System


def holds(system: System, told: Sequence[Mapping[str, Any]]) -> None:
    """Check that every invariant holds, without a dead letter or an alarm."""
    report = audit(system.mongo_uri, system.kafka_bootstrap, told=told)
    assert report.holds, [invariant for invariant in report.invariants if not invariant.holds]
