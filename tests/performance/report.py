"""The report of a run, as JSON, as a table in the terminal and as one in the documentation."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / ".data" / "bench" / "report.json"
KEPT = ROOT / "docs" / "performance.json"
"""The report that the documentation's table and picture were made from."""
PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"

Entry = Mapping[str, Any]


def write(
    path: Path, rows: Sequence[Entry], curves: Sequence[Entry], *, seconds: float, command: str
) -> dict[str, Any]:
    """Write a run's report; rows and curves not measured now stay as an earlier run had them."""
    before = json.loads(path.read_text()) if path.exists() else {"rows": [], "curves": []}
    new_rows = {(row["row"], row["name"]) for row in rows}
    new_curves = {curve["name"] for curve in curves}
    kept = [row for row in before["rows"] if (row["row"], row["name"]) not in new_rows]
    report = {
        "command": "make bench ROWS=…" if kept else command,
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python "
        f"{platform.python_version()}",
        "seconds": round(seconds, 1),
        "rows": sorted(
            [*rows, *kept],
            key=lambda row: row["row"],
        ),
        "curves": [*curves, *(c for c in before["curves"] if c["name"] not in new_curves)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n")
    return report


def table(rows: Sequence[Entry]) -> Table:
    """Return the rows for a terminal."""
    shown = Table(title="性能 · figures")
    for heading in ("#", "figure", "ours", "theirs", "ratio", "spread", "goal", "world class"):
        shown.add_column(heading, justify="left" if heading == "figure" else "right")
    shown.add_column("limited by", overflow="fold")
    for row in rows:
        shown.add_row(
            *(str(row["row"]), row["name"], *_figures(row)),
            f"[{'green' if row['met'] else 'red'}]{row['goal']}[/]",
            *(row["world_class"], row["limited_by"]),
        )
    return shown


def markdown(report: Mapping[str, Any]) -> str:
    """Return the documentation's table: a ratio first, an absolute second."""
    lines = [
        "| # | Figure | Ratio (spread) | Goal | World class | Ours | Theirs | Against |",
        "|--:|---|--:|--:|--:|--:|--:|---|",
    ]
    for row in report["rows"]:
        ours, theirs, ratio, spread = _figures(row)
        lines.append(
            f"| {row['row']} | {row['name']} | {ratio} ({spread}) "
            f"| {row['goal']} {'✓' if row['met'] else '✗'} | {row['world_class']} "
            f"| {ours} | {theirs} | {row['against']} |"
        )
    lines += ["", "Where the time of our arm goes:", ""]
    lines += [
        f"- **{row['row']} {row['name']}**: {row['limited_by']}"
        for row in report["rows"]
        if row["limited_by"]
    ]
    lines += ["", f"Measured by `{report['command']}` on {report['machine']}."]
    if report["curves"]:
        lines += ["", "![Cost against size](performance.svg)"]
    return "\n".join(lines) + "\n"


def page(text: str, report: Mapping[str, Any]) -> str:
    """Return the documentation's page with this report's table in its place."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{markdown(report)}\n{END}{after}"


def _figures(row: Entry) -> tuple[str, str, str, str]:
    low, high = (_short(value) for value in row["spread"])
    return (
        f"{_short(row['ours'])} {row['unit']}",
        "–" if row["theirs"] is None else _short(row["theirs"]),
        "–" if row["ratio"] is None else _short(row["ratio"]),
        f"{low}–{high}",
    )


def _short(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
