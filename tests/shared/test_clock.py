"""The one clock: what it says while it is set anew."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from shared import clock

HOUR = timedelta(hours=1)


@pytest.fixture
def read_meanwhile() -> Iterator[None]:
    """The time is read at every line of what sets the clock, as another thread may read it."""

    def at_each_line(_frame: FrameType, event: str, _argument: object) -> Any:
        if event == "line":
            clock.now()
        return at_each_line

    def trace(frame: FrameType, _event: str, _argument: object) -> Any:
        return at_each_line if frame.f_code is clock.use.__code__ else None

    before = sys.gettrace()
    sys.settrace(trace)
    yield
    sys.settrace(before)
    clock.use(offset_file=None, error_s=0)


def test_a_clock_that_is_set_is_right_at_once_whoever_reads_it_meanwhile(
    read_meanwhile: None, tmp_path: Path
) -> None:
    offset = tmp_path / "offset"
    clock.advance_file(offset, HOUR.total_seconds())

    clock.use(offset_file=str(offset), error_s=0)

    assert clock.now() - clock.real_now() > HOUR / 2
