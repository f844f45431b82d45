"""The demo's directory: emptied each time, if it is the demo's own and nobody plays in it."""

from __future__ import annotations

import pytest

from deploy.demo.stage import OURS, NotOurs, emptied


def test_a_directory_of_somebody_else_is_left_alone(tmp_path):
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")

    with pytest.raises(NotOurs), emptied(tmp_path):
        pass

    assert precious.read_text() == "years of work"


def test_what_an_earlier_demo_left_is_cleared_away(tmp_path):
    (tmp_path / OURS).touch()
    (tmp_path / "report.json").write_text("{}")
    (tmp_path / "mongo").mkdir()
    (tmp_path / "mongo" / "old").touch()

    with emptied(tmp_path):
        assert [entry.name for entry in tmp_path.iterdir()] == [OURS]


def test_two_demos_do_not_play_in_one_directory(tmp_path):
    with emptied(tmp_path), pytest.raises(NotOurs), emptied(tmp_path):
        pass

    with emptied(tmp_path):
        pass
