"""A file as rows that know their physical lines."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.activities.model import MissingColumns, UnreadableFile, read_table, read_text


def lines_of(text: str, *columns: str) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.line, row.cells) for row in read_table(text, columns=columns).rows]


def test_a_row_is_named_by_the_line_where_it_begins():
    text = 'id,title\r\n1,"over\ntwo lines"\r\n2,one\r\n3,"a\r\nb\r\nc"\r\n4,last'

    assert [line for line, _ in lines_of(text, "id")] == [2, 4, 5, 8]


def test_a_header_with_a_line_break_counts_its_lines_too():
    assert lines_of('id,"the\ntitle"\n1,a\n') == [(3, ("1", "a"))]


def test_empty_lines_are_no_rows_and_are_counted():
    assert lines_of("id,title\n\n1,a\n\n\n2,b\n\n") == [(3, ("1", "a")), (6, ("2", "b"))]


def test_a_mark_at_the_beginning_is_no_part_of_the_first_column():
    assert lines_of(read_text("﻿id,title\n1,a\n".encode()), "id") == [(2, ("1", "a"))]


@pytest.mark.parametrize("content", ["标题".encode("gb18030"), b"id\n\xff\n", b"id\n\0\n"])
def test_a_file_that_is_no_text_of_ours_is_refused(content):
    with pytest.raises(UnreadableFile):
        read_text(content)


@pytest.mark.parametrize("text", ["", 'id\n"open', 'id\n"a"b\n', "id\n" + "x" * 200_000])
def test_a_file_that_is_no_csv_is_refused(text):
    with pytest.raises(UnreadableFile):
        read_table(text, columns=["id"])


def test_missing_columns_are_named():
    with pytest.raises(MissingColumns) as refusal:
        read_table("id,other\n", columns=["id", "title", "date"])

    assert refusal.value.facts["missing"] == ["date", "title"]


def test_a_column_named_twice_is_refused_where_it_is_meant():
    assert lines_of("id,x,x\n1,2,3\n", "id") == [(2, ("1", "2", "3"))]
    with pytest.raises(UnreadableFile):
        read_table("id,x,x\n", columns=["x"])


cells = st.text(st.sampled_from('ab,"\n é'), max_size=6)


@given(st.lists(st.lists(cells, min_size=2, max_size=2), max_size=10))
def test_every_row_is_found_on_its_line_with_its_cells(rows):
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(["id", "title"])
    begins = []
    for row in rows:
        begins.append(out.getvalue().count("\n") + 1)
        writer.writerow(row)

    found = lines_of(out.getvalue(), "id", "title")

    assert found == [(line, tuple(row)) for line, row in zip(begins, rows, strict=True)]
