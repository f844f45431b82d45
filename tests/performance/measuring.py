"""Running rows: arms alternate, repetitions, and what comes out of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.performance.row import Curve, Figure, NotSound, Row, Sample, Size
from tests.performance.stage import Servers

Progress = Callable[[str], None]
Samples = Mapping[str, Sequence[Sample]]


def measure(
    row: Row, servers: Servers, *, size: Size, repetitions: int, progress: Progress
) -> list[dict[str, Any]]:
    """Return the report's entries of a row, one per figure; raises :class:`NotSound`."""
    arms = {"ours": row.ours} | ({"theirs": row.theirs} if row.theirs else {})
    samples: dict[str, list[Mapping[str, Sample]]] = {arm: [] for arm in arms}
    for repetition in range(repetitions):
        # Each goes first in turn: what the machine does meanwhile favours neither.
        for arm in list(arms) if repetition % 2 == 0 else reversed(arms):
            progress(f"{row.number} {row.figures[0].name}: {arm}")
            with servers.stage() as stage:
                found = arms[arm](stage, size)
            for figure in row.figures:
                if found[figure.name].checked <= 0:
                    raise NotSound(f"row {row.number} {figure.name}: {arm} checked nothing")
            samples[arm].append(found)
    return [
        _entry(row, figure, {arm: [one[figure.name] for one in samples[arm]] for arm in arms})
        for figure in row.figures
    ]


def draw(
    curve: Curve, servers: Servers, *, size: Size, repetitions: int, progress: Progress
) -> dict[str, Any]:
    """Return the report's entry of a curve: the median cost at each size."""
    points = []
    for x in curve.small if size.small else curve.sizes:
        costs = []
        for _ in range(repetitions):
            progress(f"{curve.name}: {x} {curve.axis}")
            with servers.stage() as stage:
                costs.append(curve.cost(stage, size, x))
        points.append([x, statistics.median(costs)])
    return {"name": curve.name, "axis": curve.axis, "unit": curve.unit, "points": points}


def _entry(row: Row, figure: Figure, samples: Samples) -> dict[str, Any]:
    ours = [sample.value for sample in samples["ours"]]
    theirs = [sample.value for sample in samples.get("theirs", ())]
    # Of neighbours in time: what slows the machine for a while slows both.
    figures = [a / b for a, b in zip(ours, theirs, strict=True)] if theirs else ours
    judged = figures if figure.goal.of == "ratio" else ours
    return {
        "row": row.number,
        "name": figure.name,
        "ours": statistics.median(ours),
        "theirs": statistics.median(theirs) if theirs else None,
        "unit": figure.unit,
        "ratio": statistics.median(figures) if theirs else None,
        "spread": [min(figures), max(figures)],
        "goal": str(figure.goal),
        "world_class": str(figure.world_class),
        "met": figure.goal.met(statistics.median(judged)),
        "against": row.against,
        "limited_by": _limited_by(row, samples["ours"]),
        "checked": sum(sample.checked for arm in samples.values() for sample in arm),
        "repetitions": len(ours),
    }


def _limited_by(row: Row, samples: Sequence[Sample]) -> str:
    """Return where our arm's time goes: each part's median share."""
    parts = list(dict.fromkeys(part for sample in samples for part in sample.shares))
    shares = {part: statistics.median(s.shares.get(part, 0.0) for s in samples) for part in parts}
    said = [f"{part} {share:.0%}" for part, share in shares.items() if share >= 0.005]
    return "; ".join(
        ([row.limited_by] if row.limited_by else []) + ([", ".join(said)] * bool(said))
    )
