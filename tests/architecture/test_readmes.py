"""Both READMEs say the same: sections, commands, links and programs."""

from __future__ import annotations

import re

from tests.architecture.code import ROOT

ENGLISH = (ROOT / "README.md").read_text()
CHINESE = (ROOT / "README.zh-CN.md").read_text()


def headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", outside(text), re.MULTILINE)]


def outside(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    blocks = re.findall(r"^```\w*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [re.sub(r"\s+# .*", "", line) for block in blocks for line in block.splitlines()]


def links(text: str) -> set[str]:
    found = set(re.findall(r"\]\(([^)]+)\)", text))
    return found - {"README.md", "README.zh-CN.md"}


def programs(text: str) -> set[str]:
    inline = re.findall(r"`([^`\n]+)`", outside(text))
    return {said for said in inline if re.match(r"(make|python|gunicorn) ", said)}


def test_both_have_the_same_sections() -> None:
    assert headings(CHINESE) == headings(ENGLISH)


def test_both_show_the_same_commands() -> None:
    assert commands(CHINESE) == commands(ENGLISH)
    assert programs(CHINESE) == programs(ENGLISH)


def test_both_lead_to_the_same_places() -> None:
    assert links(CHINESE) == links(ENGLISH)
    assert not [link for link in links(ENGLISH) if "://" not in link and not (ROOT / link).exists()]
