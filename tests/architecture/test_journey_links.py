"""What the documents point at is there: every file, every heading, every function that is named."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.code import ROOT, tree

LEFT_OUT = {".venv", ".data", ".git", ".pytest_cache", ".hypothesis", "node_modules"}
DOCUMENTS = sorted(
    path for path in ROOT.rglob("*.md") if not LEFT_OUT.intersection(path.relative_to(ROOT).parts)
)
JOURNEY = ROOT / "docs" / "journey.md"
CODE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
NAME = re.compile(r"`([A-Za-z_][\w.]*)`")
STEPS = 9


class Link(NamedTuple):
    text: str
    target: str


def links(path: Path) -> list[Link]:
    """Return a document's links to files of ours."""
    text = CODE.sub("", path.read_text())
    found = [Link(*match.groups()) for match in LINK.finditer(text)]
    return [link for link in found if not re.match(r"[a-z]+:", link.target)]


@cache
def anchors(path: Path) -> frozenset[str]:
    """Return what a document's headings are called in links."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", path.read_text()), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in headings]
    return frozenset(heading.replace(" ", "-") for heading in plain)


@cache
def names(path: Path) -> frozenset[str]:
    """Return what a module defines: functions, classes, their methods, and constants."""
    found: set[str] = set()
    for node in tree(path).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [inner for inner in node.body if isinstance(inner, ast.FunctionDef)]
            found |= {f"{node.name}.{method.name}" for method in methods}
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return frozenset(found)


def named(link: Link) -> str | None:
    """Return the name that a link into a module promises; None where it names the file alone."""
    whole = NAME.fullmatch(link.text)
    if whole is None or whole[1].endswith(".py") or not link.target.endswith(".py"):
        return None
    return whole[1]


def broken(path: Path) -> list[str]:
    found = []
    for link in links(path):
        file, _, anchor = link.target.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists():
            found.append(f"{link.target} is not there")
        elif anchor and anchor not in anchors(target):
            found.append(f"{link.target}: no such heading")
        elif (name := named(link)) is not None and name not in names(target):
            found.append(f"{file} has no {name}")
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_what_it_names(path: Path) -> None:
    assert not broken(path)


def test_the_journey_names_functions_at_every_step() -> None:
    steps = re.split(r"^## \d+\. ", JOURNEY.read_text(), flags=re.MULTILINE)[1:]

    assert len(steps) == STEPS
    for step in steps:
        found = [Link(*match.groups()) for match in LINK.finditer(step)]
        assert [link for link in found if named(link)], step.splitlines()[0]


def test_the_rules_bite(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("LIMIT = 1\nclass A:\n    def b(self): ...\ndef c(): ...\n")
    document = tmp_path / "document.md"
    document.write_text(
        "# Here · 这里\n"
        "[`c`](module.py) [`A.b`](module.py) [`LIMIT`](module.py) [module](module.py)\n"
        "[here](#here--这里) [out](https://example.org/x)\n"
        "[`d`](module.py) [gone](gone.py) [nowhere](#nowhere)\n"
        "```\n[not](a-link.md)\n```\n"
    )

    assert broken(document) == [
        "module.py has no d",
        "gone.py is not there",
        "#nowhere: no such heading",
    ]
