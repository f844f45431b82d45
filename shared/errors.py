"""The three ways in which something does not happen: a refusal, an alarm, and trouble.

A refusal is an answer: the rules say no, and the asker is told. An alarm is a state of affairs
that the rules say cannot be: nothing changes and an operator is told. Trouble (a database or a
broker that does not answer) is neither, and is tried again.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar


def kebab(name: str) -> str:
    """Return a class name as a code: ``OutOfStock`` → ``out-of-stock``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


class Refusal(Exception):
    """The rules say no. Subclasses are named for the state of affairs: ``OutOfStock``.

    ``code`` is the class name in kebab case and is the problem's stable type; ``status`` its
    HTTP status; the message is what a person is told. ``facts`` are plain values shown beside it.
    """

    status: ClassVar[int] = 409
    title: ClassVar[str] = ""
    code: ClassVar[str] = "refusal"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.code = kebab(cls.__name__)

    def __init__(self, detail: str = "", **facts: Any) -> None:
        super().__init__(detail or self.title or self.code)
        self.detail = detail or self.title
        self.facts = facts


class NotThere(Refusal):
    """Nothing of that id is there, or none that the asker may see."""

    status = 404
    title = "没有找到 · Not found"


class NotAllowed(Refusal):
    """The asker's roles do not reach this far."""

    status = 403
    title = "没有权限 · Not allowed"


class Invalid(Refusal):
    """The values cannot be meant; ``errors`` in facts says which field and why."""

    status = 422
    title = "内容无效 · Invalid content"


class Alarm(Exception):
    """A cell of a table that cannot be: nothing changes, operators are told, it may come again."""

    def __init__(self, kind: str, about: str, detail: str = "") -> None:
        super().__init__(f"{kind}: {about} {detail}".strip())
        self.kind = kind
        self.about = about
        self.detail = detail


class Busy(Exception):
    """Too many at once for the time that one may wait; the asker repeats after a second."""
