"""The audit's command line: what it refuses, what it prints, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.audit import TITLES, Invariant, Report, command, screen

HERE = ["--mongo-uri", "mongodb://here", "--kafka", "here:9092"]


def report(*wrong: str, strict: bool = True) -> Report:
    """Return a report in which these invariants have a finding each."""
    invariants = [Invariant(name, strict, checked=7) for name in TITLES]
    for invariant in invariants:
        if invariant.name in wrong:
            invariant.found(f"something of {invariant.name}")
    return Report(invariants, empty=["430211"])


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the command find this report, and return what it was asked for."""
    asked: dict[str, Any] = {"report": report()}

    def audit(*servers: str, **settings: Any) -> Report:
        asked.update(settings, servers=servers)
        found: Report = asked["report"]
        return found

    monkeypatch.setattr(command, "audit", audit)
    return asked


def test_it_ends_with_0_only_if_all_hold(
    asked: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(HERE) == 0
    printed = capsys.readouterr().out
    assert "全部成立" in printed
    assert "430211" in printed

    asked["report"] = report("book-folds")
    assert command.main(HERE) == 1
    assert "book-folds: something of book-folds" in capsys.readouterr().out


def test_the_report_is_written_as_json(asked: dict[str, Any], tmp_path: Path) -> None:
    asked["report"] = report("nothing-left")

    command.main([*HERE, "--json", str(tmp_path / "deep" / "audit.json")])

    written = json.loads((tmp_path / "deep" / "audit.json").read_text())
    assert written["holds"] is False
    assert [one["name"] for one in written["invariants"]] == list(TITLES)
    assert written["invariants"][-1]["findings"] == ["something of nothing-left"]


def test_what_clients_were_told_comes_from_a_file(asked: dict[str, Any], tmp_path: Path) -> None:
    told = tmp_path / "told.jsonl"
    told.write_text('{"key": "a"}\n\n{"key": "b"}\n')

    assert command.main([*HERE, "--told", str(told), "--clean"]) == 0

    assert asked["told"] == [{"key": "a"}, {"key": "b"}]
    assert asked["strict"] is True
    assert asked["servers"] == ("mongodb://here", "here:9092")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--mongo-uri", "mongodb://here"], "--kafka"),
        (["--data-dir", "/nowhere/at/all"], "make run"),
        ([*HERE, "--told", "/nowhere/at/all"], "JSON lines"),
    ],
)
def test_what_cannot_be_audited_is_said_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 1

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said


def test_only_the_first_findings_are_kept_in_words() -> None:
    invariant = Invariant("book-folds")
    for number in range(500):
        invariant.found(f"finding {number}")

    assert invariant.wrong == 500
    assert len(invariant.findings) == 20
    assert list(screen._remarks(Report([invariant])))[5] == (
        "book-folds: … 500 in all (--json shows more)"
    )


def test_an_invariant_that_looked_at_nothing_holds_only_leniently() -> None:
    assert not Invariant("book-folds", strict=True).holds
    assert Invariant("book-folds", strict=False).holds
