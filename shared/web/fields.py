"""The kinds of value that HTTP may carry. Text never holds NUL; times are aware, told in UTC."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validate
from webargs.multidictproxy import MultiDictProxy

from shared import ids, regions

AMOUNT_MAX = 1_000_000_000
YEARS = range(2000, 2101)
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_LINES = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f"
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_OUR_YEARS = "^(20[0-9]{2}|2100)-"
_CURSOR = re.compile(r"[A-Za-z0-9._~:+ -]{1,200}")
_DIGITS = re.compile(r"[0-9]{1,16}")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class Text(fields.String):
    """Text of 1 to ``max`` characters after trimming; no control characters but line ends."""

    def __init__(self, max: int = 200, *, min: int = 1, lines: bool = False, **kwargs: Any) -> None:  # noqa: A002
        self._lines = lines
        # As the document shows it: a sign that is no space, and no control characters.
        no = _LINES if lines else _CONTROL
        _show(kwargs, pattern=f"^[^{no}]*[^\\s{no}][^{no}]*$" if min else f"^[^{no}]*$")
        super().__init__(validate=_with(validate.Length(min=min, max=max), kwargs), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        allowed = "\n\t" if self._lines else ""
        if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in allowed for sign in text):
            raise ValidationError("不能含控制字符 · No control characters.")
        return text


class Id(fields.String):
    """An id of ours: no colon, no NUL, at most 64 characters."""

    def __init__(self, **kwargs: Any) -> None:
        _show(kwargs, pattern="^[A-Za-z0-9._~-]{1,64}$")
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not ids.is_safe(text):
            raise ValidationError("不是有效的编号 · Not an id.")
        return text


class Cursor(fields.String):
    """Where a list goes on: as its last page's ``next`` said; nothing that could be a query."""

    def __init__(self, **kwargs: Any) -> None:
        _show(kwargs, pattern="^[A-Za-z0-9._~:+ -]{1,200}$")
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _CURSOR.fullmatch(text):
            raise ValidationError("不是有效的游标 · Not what a list's next said.")
        return text


class RegionCode(fields.String):
    """A district's, street's or community's code."""

    def __init__(self, **kwargs: Any) -> None:
        _show(kwargs, pattern="^([0-9]{6}|[0-9]{9}|[0-9]{12})$")
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not regions.is_code(text):
            raise ValidationError("不是有效的区划代码 · Not a region's code.")
        return text


class Count(fields.Integer):
    """A whole number between two bounds; digits as text only where all is text: in a query."""

    def __init__(self, min: int = 0, max: int = AMOUNT_MAX, **kwargs: Any) -> None:  # noqa: A002
        bounds = validate.Range(min=min, max=max)
        super().__init__(strict=True, validate=_with(bounds, kwargs), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(data, MultiDictProxy) and _DIGITS.fullmatch(str(value)):
            value = int(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Hundredths(Count):
    """An amount in hundredths of a point, up to 10⁹."""

    def __init__(self, min: int = 1, **kwargs: Any) -> None:  # noqa: A002
        super().__init__(min, AMOUNT_MAX, **kwargs)


class When(fields.Field[datetime]):
    """A moment as RFC 3339 has it: in with any zone, out in UTC with milliseconds and ``Z``."""

    def __init__(self, **kwargs: Any) -> None:
        _show(kwargs, pattern=_OUR_YEARS)
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> datetime:
        try:
            known = isinstance(value, str) and _MOMENT.fullmatch(value)
            moment = datetime.fromisoformat(value.upper()) if known else None
        except ValueError:
            moment = None
        # The year first: at the ends of the calendar a change of zone overflows.
        if moment is None or moment.tzinfo is None or moment.year not in YEARS:
            raise ValidationError(
                "时间须含时区 · A time with its zone, like 2026-11-22T09:00:00+08:00."
            ) from None
        moment = moment.astimezone(UTC)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def _serialize(self, value: Any, *_args: Any, **_kwargs: Any) -> str | None:
        return moment_text(value) if isinstance(value, datetime) else value


class Day(fields.String):
    """A day of the district's calendar as text: ``2026-11-22``."""

    def __init__(self, **kwargs: Any) -> None:
        _show(kwargs, pattern=_OUR_YEARS)
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or day.isoformat() != text or day.year not in YEARS:
            raise ValidationError("日期格式如 2026-11-22 · A day, like 2026-11-22.")
        return text


class Month(fields.String):
    """A month as text: ``2026-11``."""

    def __init__(self, **kwargs: Any) -> None:
        _show(kwargs, pattern=_OUR_YEARS + "(0[1-9]|1[0-2])$")
        super().__init__(**kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not _MONTH.fullmatch(text) or int(text[:4]) not in YEARS:
            raise ValidationError("月份格式如 2026-11 · A month, like 2026-11.")
        return text


def moment_text(moment: datetime) -> str:
    """Return a moment as HTTP tells it: ``2026-11-22T01:00:00.000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _with(check: Any, kwargs: dict[str, Any]) -> list[Any]:
    more = kwargs.pop("validate", None)
    return [check] if more is None else [check, *(more if isinstance(more, list) else [more])]


def _show(kwargs: dict[str, Any], **said: Any) -> None:
    """Say in the OpenAPI document what the field's own check will ask."""
    kwargs["metadata"] = {**said, **kwargs.get("metadata", {})}
