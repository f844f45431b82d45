"""The table of the last long run in ``docs/reliability.md``, made from its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.campaign import kinds_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- the last long run: begin -->", "<!-- the last long run: end -->"


def write(report: Mapping[str, Any], path: Path = DOCUMENT) -> None:
    """Put a report's table where the document has the one before it."""
    path.write_text(with_table(path.read_text(), table(report)))


def with_table(text: str, rows: str) -> str:
    """Return the document with another table between its two marks."""
    before, _, rest = text.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the document has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{rows}{END}{after}"


def table(report: Mapping[str, Any]) -> str:
    """Return a report as a Markdown table."""
    looks, recovery = report["audit"], report["recovery_s"]
    minutes = report["seconds"] / 60
    rows = [
        ("processes killed with SIGKILL", f"**{report['kills']:,}**"),
        ("which", _named(kinds_of(report["faults"]))),
        ("requests acknowledged", f"**{report['acknowledged']:,}**"),
        (
            "refused; unknown to the client, and resolved afterwards; reads",
            f"{looks['refused']:,}; {looks['unknown']:,}; {looks['reads']:,}",
        ),
        ("lost", f"**{report['lost']}**"),
        ("doubled", f"**{report['doubled']}**"),
        ("out of order", f"**{looks['out_of_order']}**"),
        ("alarms", f"{report['alarms']}"),
        (
            f"recovery of {looks['recoveries']} kills, p50; p99; longest",
            "; ".join(f"{recovery[name]} s" for name in ("p50", "p99", "max")),
        ),
        (
            "audits of ten invariants, each with a look at the history",
            f"{looks['runs']}, {'all of them hold' if looks['holds'] else 'with findings'}",
        ),
        ("longest audit; longest look at the history", _seconds(looks)),
        ("time in all", f"{minutes:.0f} min"),
        ("seeds", f"`{report['seeds'][0]}` … `{report['seeds'][-1]}`" if report["seeds"] else "–"),
    ]
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) + "\n"


def _named(kinds: Counter[str]) -> str:
    return ", ".join(f"{times} × {kind}" for kind, times in sorted(kinds.items()))


def _seconds(looks: Mapping[str, Any]) -> str:
    return f"{looks['seconds_max']} s; {looks['history_seconds_max']} s"
