"""Each risk that `docs/security.md` names has a control, and a test that is really there."""

from __future__ import annotations

import ast
import re

from tests.architecture.code import ROOT, tree

PAGE = ROOT / "docs" / "security.md"
LINK = re.compile(r"\[`(test_\w+)`\]\((\.\./tests/[\w/]+\.py)\)")
ROW = re.compile(r"^\| (?!Risk|---)(.+) \|$", re.MULTILINE)


def rows() -> list[list[str]]:
    """Return the cells of each row of the table of risks."""
    return [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(PAGE.read_text())]


def test_every_risk_has_a_control_a_proof_and_says_what_is_not_covered() -> None:
    found = rows()

    assert len(found) >= 15
    for cells in found:
        assert len(cells) == 4, cells
        risk, control, proof, missing = cells
        assert control, risk
        assert LINK.search(proof) or missing.startswith("**not there yet**"), risk
        assert missing, risk


def test_every_test_that_is_named_exists() -> None:
    named = LINK.findall(PAGE.read_text())

    assert len(named) >= 30
    for name, path in named:
        file = (PAGE.parent / path).resolve()
        assert file.is_file(), path
        nodes = ast.walk(tree(file))
        functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        assert name in functions, f"{path} has no {name}"
