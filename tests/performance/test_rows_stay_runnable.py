"""Every row at its small size: it runs, its invariants hold, its report is whole. Never a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.performance import measuring, report
from tests.performance.row import Curve, Row, Size
from tests.performance.rows import all_curves, all_rows
from tests.performance.stage import Servers

pytestmark = pytest.mark.timeout(300)
"""The first row on a kept server waits for it to come up, also on a busy machine."""

SMALL = Size(small=True)
FIELDS = {"row", "name", "ours", "theirs", "ratio", "spread", "goal", "limited_by"}


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    kept = Servers(kept=True)
    yield kept
    kept.close()


def named(row: Row) -> str:
    return f"{row.number}-{row.figures[0].name}".replace(" ", "-")


@pytest.mark.servers
@pytest.mark.parametrize("row", all_rows(), ids=named)
def test_a_row_runs_and_its_invariants_hold(row: Row, servers: Servers) -> None:
    entries = measuring.measure(
        row, servers, size=SMALL, repetitions=1, progress=lambda _text: None
    )

    assert [entry["name"] for entry in entries] == [figure.name for figure in row.figures]
    for entry in entries:
        assert entry.keys() >= FIELDS
        assert entry["checked"] > 0
        assert (entry["ratio"] is None) == (row.theirs is None)
        json.dumps(entry)


@pytest.mark.servers
@pytest.mark.parametrize("curve", all_curves(), ids=lambda curve: curve.name.replace(" ", "-"))
def test_a_curve_is_drawn(curve: Curve, servers: Servers) -> None:
    drawn = measuring.draw(curve, servers, size=SMALL, repetitions=1, progress=lambda _text: None)

    assert [x for x, _ in drawn["points"]] == list(curve.small)
    assert all(cost > 0 for _, cost in drawn["points"])


def test_a_report_of_several_runs_does_not_name_the_last_one_for_all(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    one, other = {"row": 1, "name": "one"}, {"row": 2, "name": "other"}

    first = report.write(path, [other], [], seconds=1, command="make bench ROWS=2")
    both = report.write(path, [one], [], seconds=1, command="make bench ROWS=1")

    assert first["command"] == "make bench ROWS=2"
    assert both["command"] == "make bench ROWS=…"
    assert both["rows"] == [one, other]
