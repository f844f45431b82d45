"""Rules that every line keeps, whoever writes it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.code import ROOT, calls, dotted, files, place, source, tree

CLOCK = ROOT / "shared" / "clock.py"
READS_THE_TIME = re.compile(
    r"(^|\.)(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))$"
)
WAITS = re.compile(r"(^|\.)time\.(sleep|monotonic|perf_counter)(_ns)?$")
# These start, stop and ask servers before there is anything of ours to import.
OUTSIDE_THE_SYSTEM = (ROOT / "deploy" / "embedded", ROOT / "deploy" / "gunicorn.conf.py")

CHANGES = re.compile(r"\.(update|delete|replace|find_one_and|bulk_write|drop|rename)\w*$")
REASON = re.compile(r"#(?! noqa: \w+$)")
JOURNAL = re.compile(r"(^|[._])journal(_collection)?(\.|$)")


def time_read_elsewhere(path: Path) -> list[str]:
    outside = any(path.is_relative_to(folder) for folder in OUTSIDE_THE_SYSTEM)
    return [
        f"{place(path, call)} {name}"
        for call, name in calls(path)
        if READS_THE_TIME.search(name) or (WAITS.search(name) and not outside)
    ]


def times_imported_by_name(path: Path) -> list[str]:
    return [
        place(path, node)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and node.module == "time"
    ]


def journal_changes(path: Path) -> list[str]:
    return [
        f"{place(path, call)} {name}"
        for call, name in calls(path)
        if (change := CHANGES.search(name)) and JOURNAL.search(name[: change.start()])
    ]


def blind_handlers(path: Path) -> list[str]:
    lines = source(path).splitlines()
    found = []
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = {dotted(kind) if kind is not None else "everything" for kind in caught}
        if not names & {"Exception", "everything"}:
            continue
        passes_it_on = any(isinstance(x, ast.Raise) and x.exc is None for x in ast.walk(node))
        reason = REASON.search(lines[node.lineno - 1]) or lines[node.lineno].lstrip()[:1] == "#"
        if not reason and not passes_it_on:
            found.append(place(path, node))
    return found


@pytest.mark.parametrize("rule", [time_read_elsewhere, times_imported_by_name])
def test_there_is_one_clock(rule) -> None:
    found = [
        where
        for path in files("services", "shared", "deploy")
        if path != CLOCK
        for where in rule(path)
    ]

    assert not found, f"shared.clock is the only clock: {found}"


def test_nothing_in_the_journal_is_ever_updated_or_deleted() -> None:
    found = [
        where for path in files("services", "shared", "deploy") for where in journal_changes(path)
    ]

    assert not found


def test_whoever_catches_everything_says_why() -> None:
    found = [
        where for path in files("services", "shared", "deploy") for where in blind_handlers(path)
    ]

    assert not found, f"a reason belongs beside: {found}"


def test_the_rules_bite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.architecture.code.ROOT", tmp_path)
    bad = tmp_path / "bad.py"
    bad.write_text(
        "import time\n"
        "from time import sleep\n"
        "from datetime import datetime\n"
        "def f(db, work):\n"
        "    datetime.now()\n"
        "    time.time()\n"
        "    time.sleep(1)\n"
        "    db.journal.update_one({}, {})\n"
        "    db['journal'].delete_many({})\n"
        "    work.db.get_collection('journal').replace_one({}, {})\n"
        "    self._journal.find_one_and_update({}, {})\n"
        "    db.journal.insert_many([])\n"
        "    db.other.update_one({}, {})\n"
        "    try:\n"
        "        f()\n"
        "    except Exception:\n"
        "        pass\n"
        "    except:\n"
        "        raise\n"
    )

    assert [where.partition(" ")[2] for where in time_read_elsewhere(bad)] == [
        *("datetime.now", "time.time", "time.sleep"),
    ]
    assert times_imported_by_name(bad) == ["bad.py:2"]
    assert len(journal_changes(bad)) == 4
    assert blind_handlers(bad) == ["bad.py:16"]
