"""What a long run leaves behind: its state, from which it goes on, and its report."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Stretch:
    """Some kills that ended with an audit and a look at the history."""

    number: int
    seed: str
    kills: int = 0
    seconds: float = 0.0
    faults: dict[str, int] = field(default_factory=dict)
    recovery_s: list[float] = field(default_factory=list)
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0
    reads: int = 0
    alarms: int = 0
    audit_s: float = 0.0
    check_s: float = 0.0
    looked_at: dict[str, int] = field(default_factory=dict)
    """How many things each invariant looked at."""
    findings: dict[str, list[str]] = field(default_factory=dict)
    """All that was wrong: lost, doubled, out_of_order, failed, audit, recovery."""

    def wrong(self, kind: str) -> int:
        """Return how many findings of one kind there are."""
        return len(self.findings.get(kind, ()))


def report_of(stretches: Sequence[Stretch], *, kills_wanted: int) -> dict[str, Any]:
    """Return the report of all stretches so far."""
    faults: Counter[str] = Counter()
    for stretch in stretches:
        faults.update(stretch.faults)
    recovery = sorted(second for stretch in stretches for second in stretch.recovery_s)
    findings = [
        f"{stretch.seed}: {kind}: {finding}"
        for stretch in stretches
        for kind, found in stretch.findings.items()
        for finding in found
    ]
    return {
        "kills": sum(stretch.kills for stretch in stretches),
        "faults": dict(sorted(faults.items())),
        "acknowledged": sum(stretch.acknowledged for stretch in stretches),
        "lost": sum(stretch.wrong("lost") for stretch in stretches),
        "doubled": sum(stretch.wrong("doubled") for stretch in stretches),
        "alarms": sum(stretch.alarms for stretch in stretches),
        "recovery_s": {
            "p50": quantile(recovery, 0.5),
            "p99": quantile(recovery, 0.99),
            "max": quantile(recovery, 1.0),
        },
        "seeds": [stretch.seed for stretch in stretches],
        "seconds": round(sum(stretch.seconds for stretch in stretches), 1),
        "audit": {
            "runs": len(stretches),
            "holds": not findings,
            "kills_wanted": kills_wanted,
            "recoveries": len(recovery),
            "refused": sum(stretch.refused for stretch in stretches),
            "unknown": sum(stretch.unknown for stretch in stretches),
            "reads": sum(stretch.reads for stretch in stretches),
            "out_of_order": sum(stretch.wrong("out_of_order") for stretch in stretches),
            "looked_at": {
                name: max(stretch.looked_at.get(name, 0) for stretch in stretches)
                for name in (stretches[-1].looked_at if stretches else ())
            },
            "seconds_max": max((stretch.audit_s for stretch in stretches), default=0.0),
            "history_seconds_max": max((stretch.check_s for stretch in stretches), default=0.0),
            "findings": findings,
        },
    }


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the value that this share of the ordered values does not exceed; None of none."""
    if not ordered:
        return None
    return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2)


def load_state(path: Path) -> list[Stretch]:
    """Return the stretches that a run had ended when it was interrupted."""
    if not path.exists():
        return []
    return [Stretch(**stretch) for stretch in json.loads(path.read_text())]


def save_state(path: Path, stretches: Sequence[Stretch]) -> None:
    """Keep the stretches; a crash leaves either the old file or the new one."""
    _replace(path, [asdict(stretch) for stretch in stretches])


def save_report(path: Path, report: dict[str, Any]) -> None:
    """Write the report."""
    _replace(path, report)


def _replace(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    new.replace(path)
