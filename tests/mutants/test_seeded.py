"""The list of seeded bugs fits the code, and a trial tells a caught one from one that lives."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.mutants.mutant import ROOT, Change, DoesNotApply, Mutant, copy_project, seeded
from tests.mutants.trial import TrialBroken, first_failure, try_out


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project without a bug."""
    copy = tmp_path_factory.mktemp("project")
    copy_project(copy)
    return copy


def test_there_are_twenty_bugs_with_names_and_costs_of_their_own() -> None:
    mutants = seeded()
    assert len(mutants) >= 20
    assert len({mutant.name for mutant in mutants}) == len(mutants)
    assert all(mutant.cost.endswith(".") for mutant in mutants)
    assert all(mutant.changes and mutant.tests for mutant in mutants)


@pytest.mark.parametrize("mutant", seeded(), ids=lambda mutant: mutant.name)
def test_each_bug_still_fits_the_code_and_its_tests_exist(mutant: Mutant, project: Path) -> None:
    kept = {change.file: (project / change.file).read_text("utf-8") for change in mutant.changes}
    try:
        mutant.apply(project)
    finally:
        for file, text in kept.items():
            (project / file).write_text(text, encoding="utf-8")
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert (ROOT / file).exists(), test
        if name:
            assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text("utf-8"), test


def test_a_bug_that_does_not_fit_is_not_passed_over(project: Path) -> None:
    change = Change(file="shared/ids.py", before="nowhere", after="")
    stray = Mutant(name="stray", cost=".", tests=(), changes=(change,))
    with pytest.raises(DoesNotApply, match="0 times"):
        stray.apply(project)


def test_a_trial_tells_who_caught_a_bug_who_did_not_and_what_shows_nothing(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "def test_good(): pass\ndef test_bad(): assert False\n", encoding="utf-8"
    )
    assert first_failure(tmp_path, ("test_some.py::test_good",)) is None
    assert first_failure(tmp_path, ("test_some.py",)) == "test_some.py::test_bad"
    with pytest.raises(TrialBroken):
        first_failure(tmp_path, ("test_not_there.py",))


@pytest.mark.servers
@pytest.mark.timeout(300)
def test_a_bug_drawn_at_random_is_caught(tmp_path: Path) -> None:
    seed = int(os.environ.get("GONGXIANG_SEED", random.SystemRandom().randrange(10**6)))
    print(f"\nseed {seed}: GONGXIANG_SEED={seed} replays it")
    mutant = random.Random(seed).choice(seeded())
    assert try_out(mutant, tmp_path).caught_by, mutant.name
