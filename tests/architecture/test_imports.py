"""Who may import whom, as `pyproject.toml` writes it down."""

from __future__ import annotations

import subprocess
import sys

from tests.architecture.code import ROOT


def test_the_import_rules_hold() -> None:
    # A process of its own: the linter prints as it goes and keeps what it has read.
    linted = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr
