"""Our code as trees, read once for all rules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def source(path: Path) -> str:
    """Return a file's text."""
    return path.read_text()


@cache
def tree(path: Path) -> ast.Module:
    """Return a file's tree."""
    return ast.parse(source(path), filename=str(path))


def files(*folders: str) -> list[Path]:
    """Return our Python files below these folders."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def place(path: Path, node: ast.AST) -> str:
    """Return where something stands, as an editor finds it."""
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def dotted(node: ast.AST) -> str:
    """Return a chain of names as it is written: ``work.db.journal.insert_one``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return ".".join([dotted(node.value), str(node.slice.value)])
    if isinstance(node, ast.Call):
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        return ".".join([dotted(node.func), *(str(text) for text in texts)])
    return "?"


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call of a file with what is called."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)
