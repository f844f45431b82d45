"""One trial: a copy of the project with a bug in it, and the first test that fails there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree  # our own pytest's report

import psutil

from shared import clock
from tests.mutants.mutant import Mutant, copy_project

TRIAL_S_MAX = 240.0
_TESTS_FAILED = 1


class TrialBroken(Exception):
    """The tests did not come to an end, or could not begin: this says nothing about them."""


@dataclass(frozen=True, kw_only=True)
class Caught:
    """What became of a mutant: the test that caught it, None where it lives; and the seconds."""

    mutant: Mutant
    caught_by: str | None
    seconds: float

    def row(self) -> dict[str, object]:
        """Return the report's row."""
        return {
            "name": self.mutant.name,
            "cost": self.mutant.cost,
            "caught_by": self.caught_by,
            "seconds": round(self.seconds, 1),
        }


def try_out(mutant: Mutant, workshop: Path) -> Caught:
    """Run a mutant's tests on a copy in ``workshop``; the copy is gone afterwards.

    Raises :class:`DoesNotApply` and :class:`TrialBroken`.
    """
    copy = workshop / mutant.name.replace(" ", "-").replace("'", "")
    shutil.rmtree(copy, ignore_errors=True)
    copy_project(copy)
    try:
        mutant.apply(copy)
        began = clock.monotonic()
        caught_by = first_failure(copy, mutant.tests)
        return Caught(mutant=mutant, caught_by=caught_by, seconds=clock.monotonic() - began)
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def first_failure(
    project: Path, tests: tuple[str, ...], *, seconds: float = TRIAL_S_MAX
) -> str | None:
    """Return the id of the first test that fails in a project, None where all pass.

    Raises :class:`TrialBroken` where the tests say neither within these seconds.
    """
    report = project / "junit.xml"
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", f"--junitxml={report}"]
    ran = psutil.Popen(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=project,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said, _ = ran.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        for process in [*ran.children(recursive=True), ran]:
            process.kill()
        raise TrialBroken(f"not ended within {seconds:.0f} s: {tests}") from error
    if ran.returncode == 0:
        return None
    failed = _failed(report) if ran.returncode == _TESTS_FAILED else None
    if failed is None:
        raise TrialBroken(said[-2_000:])
    return failed


def _failed(report: Path) -> str | None:
    """Return the first test that failed; one that only could not be set up shows nothing."""
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314
        if case.find("failure") is not None:
            return f"{_place(case.get('classname', ''))}::{case.get('name')}"
    return None


def _place(dotted: str) -> str:
    """Return file, and class where there is one, of pytest's ``tests.ledger.test_chain.TestIt``."""
    *folders, last = dotted.split(".")
    if last.startswith("test_"):
        return "/".join([*folders, last]) + ".py"
    return f"{_place('.'.join(folders))}::{last}"
