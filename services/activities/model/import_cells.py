"""The cells of an imported row, and the reasons for which a row is not published."""

from __future__ import annotations

import unicodedata

REASONS = {
    "wrong-number-of-cells": "列数与表头不符 · More or fewer cells than the header",
    "id-too-long": "编号过长 · The id is too long",
    "no-title": "缺少标题 · No title",
    "title-too-long": "标题过长 · The title is too long",
    "summary-too-long": "简介过长 · The summary is too long",
    "kind-too-long": "类别过长 · The kind is too long",
    "organisation-too-long": "组织名称过长 · The organisation's name is too long",
    "no-start-date": "缺少开始日期 · No start date",
    "unreadable-start-date": "开始日期无法识别 · The start date cannot be read",
    "unreadable-end-date": "结束日期无法识别 · The end date cannot be read",
    "end-before-start": "结束早于开始 · It ends before it starts",
    "in-the-past": "开始时间已过 · It starts in the past",
    "unreadable-time": "时间无法识别 · A time cannot be read",
    "unknown-recurrence": "重复方式无法识别 · The recurrence is not in the mapping",
    "too-many-days": "持续天数过多 · It lasts too many days",
    "unreadable-places": "名额无法识别 · The places cannot be read",
    "places-out-of-range": "名额超出范围 · Too few or too many places",
    "repeated": "与前面的行重复 · An earlier row of the file has this id",
    "imported-otherwise": "此编号已以不同内容导入 · This id was imported with other content",
}
"""Why a row is not published; the codes are stable."""


class RowRejected(Exception):
    """A row cannot be published; ``reason`` is one of :data:`REASONS`."""

    def __init__(self, reason: str, told: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = REASONS[reason] + (f": {told[:100]}" if told else "")


def cell(values: dict[str, str], column: str | None) -> str:
    """Return the cell of a column that the mapping may leave out."""
    return "" if column is None else values[column]


def text_of(given: str, length_max: int, reason: str) -> str:
    """Return the cell on one line; refuses one that is too long."""
    text = line_of(given)
    if len(text) > length_max:
        raise RowRejected(reason, f"{len(text)} > {length_max}")
    return text


def line_of(given: str) -> str:
    """Return the cell on one line: breaks and runs of blanks become one blank, control signs go."""
    visible = (" " if unicodedata.category(sign) == "Cc" else sign for sign in given)
    return " ".join("".join(visible).split())
