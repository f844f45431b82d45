"""A CSV file as rows that know on which physical line they begin."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

from shared.errors import Refusal

FILE_BYTES_MAX = 5 * 1024 * 1024
ROWS_MAX = 20_000
COLUMNS_MAX = 200


class UnreadableFile(Refusal):
    """The file is no CSV that can be read; nothing of it is kept."""

    status = 422
    title = "文件无法读取 · The file cannot be read"


class MissingColumns(Refusal):
    """The file lacks columns that the mapping names; nothing of it is kept."""

    status = 422
    title = "文件缺少列 · The file lacks columns"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One record of the file; ``line`` is the physical line where it begins, the header's is 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The header and the rows."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def row_values(self, row: Row) -> dict[str, str] | None:
        """Return a row's cells by column; None where it has more or fewer than the header."""
        if len(row.cells) != len(self.header):
            return None
        return dict(zip(self.header, row.cells, strict=True))


def read_text(content: bytes) -> str:
    """Return the file's text; refuses what is not UTF-8 (a mark may lead), or holds a NUL."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile("文件不是 UTF-8 编码 · Not UTF-8", at_byte=error.start) from None
    if "\0" in text:
        raise UnreadableFile("文件含有空字符 · It holds NUL characters")
    return text


def read_table(text: str, *, columns: Sequence[str]) -> Table:
    """Return the file's rows; refuses one that is no CSV, lacks columns, or is too long.

    Lines are counted as an editor counts them: a record with line breaks in its cells takes
    several. Empty lines between records are no rows.
    """
    # newline="" leaves every line break as it is: the reader sees those inside of quotes.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    header: tuple[str, ...] | None = None
    line = 1
    try:
        for cells in reader:
            if header is None:
                header = _header(cells, columns)
            elif cells:
                rows.append(Row(line=line, cells=tuple(cells)))
            if len(rows) > ROWS_MAX:
                raise UnreadableFile("行数过多 · Too many rows", rows_max=ROWS_MAX)
            line = reader.line_num + 1
    except csv.Error as error:
        raise UnreadableFile(f"CSV 格式错误 · Not CSV: {error}", line=line) from None
    if header is None:
        raise UnreadableFile("文件为空 · It is empty")
    return Table(header=header, rows=tuple(rows))


def row_digest(row: Row) -> str:
    """Return what names a row that has no id: a digest of all its cells."""
    joined = "".join(f"{len(cell)}:{cell}" for cell in row.cells)
    return hashlib.sha256(joined.encode()).hexdigest()


def _header(cells: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    header = tuple(cell.strip() for cell in cells)
    if len(header) > COLUMNS_MAX:
        raise UnreadableFile("列数过多 · Too many columns", columns_max=COLUMNS_MAX)
    missing = sorted(set(columns) - set(header))
    if missing:
        raise MissingColumns(missing=missing)
    twice = sorted(name for name in columns if header.count(name) > 1)
    if twice:
        raise UnreadableFile("列名重复 · Columns named twice", columns=twice)
    return header
