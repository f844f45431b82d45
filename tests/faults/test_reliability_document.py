"""The document of the last long run agrees in form with what makes it."""

from __future__ import annotations

import re

import pytest

from tests.faults import document
from tests.faults.report import Stretch, report_of

STRETCHES = [
    Stretch(
        number,
        f"7:{number}",
        kills=50,
        seconds=130.5,
        faults={"kill store-worker-0": 30, "kill store-worker-1": 15, "kill mongo": 5},
        recovery_s=[1.5, 2.5, 4.0],
        acknowledged=1_000,
        refused=20,
        unknown=10,
        reads=2_000,
        audit_s=4.2,
        check_s=0.8,
        looked_at={"sums-are-zero": 900},
    )
    for number in range(2)
]


def names(rows: str) -> list[str]:
    """Return what the rows of a table are about, without the figures in their names."""
    found = re.findall(r"^\| ([^|]+) \|", rows, re.MULTILINE)
    return [re.sub(r"[\d,]+", "n", name) for name in found]


def test_a_report_sums_its_stretches_up() -> None:
    report = report_of(STRETCHES, kills_wanted=100)

    assert list(report) == [
        *("kills", "faults", "acknowledged", "lost", "doubled", "alarms"),
        *("recovery_s", "seeds", "seconds", "audit"),
    ]
    assert (report["kills"], report["acknowledged"], report["lost"]) == (100, 2_000, 0)
    assert report["faults"]["kill mongo"] == 10
    assert report["recovery_s"] == {"p50": 2.5, "p99": 4.0, "max": 4.0}
    assert report["seeds"] == ["7:0", "7:1"]
    assert report["audit"]["holds"]


def test_a_finding_is_counted_and_named() -> None:
    spoiled = Stretch(2, "7:2", kills=1, findings={"lost": ["order:1"], "audit": ["x"]})

    report = report_of([*STRETCHES, spoiled], kills_wanted=101)

    assert report["lost"] == 1
    assert not report["audit"]["holds"]
    assert report["audit"]["findings"] == ["7:2: lost: order:1", "7:2: audit: x"]


def test_the_document_has_the_rows_that_the_generator_makes() -> None:
    text = document.DOCUMENT.read_text()
    rows = document.table(report_of(STRETCHES, kills_wanted=100))
    begin, end = text.index(document.BEGIN), text.index(document.END)
    written = text[begin:end]

    assert "45 × kill worker, 5 × kill mongo" not in written
    assert names(written) in ([], names(rows))
    assert document.with_table(document.with_table(text, rows), written.split("\n", 1)[1]) == text


def test_a_document_without_its_marks_is_not_written() -> None:
    with pytest.raises(ValueError, match="the document has no"):
        document.with_table("nothing", "rows")
