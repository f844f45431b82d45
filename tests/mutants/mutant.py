"""A seeded bug: what it changes, what it would cost people, and the tests that are asked."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEEDED = Path(__file__).with_name("seeded.toml")
COPIED = ("services", "shared", "deploy", "tests", "docs", "requirements", "pyproject.toml")


class DoesNotApply(Exception):
    """The code has changed: the bug has to be seeded anew."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One place in a file: ``before`` stands there exactly once and becomes ``after``."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A bug by its name; ``tests`` are the files, folders or test ids that are run."""

    name: str
    cost: str
    tests: tuple[str, ...]
    changes: tuple[Change, ...]

    def apply(self, root: Path) -> None:
        """Write the bug into a copy of the project. Raises :class:`DoesNotApply`."""
        for change in self.changes:
            path = root / change.file
            text = path.read_text(encoding="utf-8")
            found = text.count(change.before)
            if found != 1:
                raise DoesNotApply(f"{self.name}: {change.file} has the place {found} times")
            text = text.replace(change.before, change.after)
            compile(text, change.file, "exec")
            path.write_text(text, encoding="utf-8")


def seeded() -> list[Mutant]:
    """Return all seeded bugs, in the order of the list."""
    rows = tomllib.loads(SEEDED.read_text(encoding="utf-8"))["mutant"]
    return [
        Mutant(
            name=row["name"],
            cost=row["cost"],
            tests=tuple(row["tests"]),
            changes=tuple(
                Change(file=change["file"], before=change["from"], after=change["to"])
                for change in row["change"]
            ),
        )
        for row in rows
    ]


def copy_project(to: Path) -> None:
    """Copy what the tests need, as git knows it, and new files besides."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *COPIED],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in _present(listed.split("\0")):
        target = to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)


def _present(names: Sequence[str]) -> list[str]:
    return [name for name in names if name and (ROOT / name).is_file()]
