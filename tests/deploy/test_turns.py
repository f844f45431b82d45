"""Nobody has more than a few requests at work, whoever has many in line rests, and all are done."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deploy.web_worker.turns import LONG_LINE, REST_S, Turns

AT_ONCE = 2


def coming(turns: Turns, count: int, *, caller: str = "greedy", rests: bool = True) -> list[int]:
    """Let so many of a caller come; return which of them go to work."""
    gone = []
    for number in range(count):
        gone += turns.come((caller, number), caller, at_once=AT_ONCE, rests=rests)
    return [number for _, number in gone]


def test_a_caller_has_so_many_at_work_and_the_rest_in_order_behind_them() -> None:
    turns = Turns()

    assert coming(turns, 5) == [0, 1]
    assert coming(turns, 1, caller="calm") == [0]

    assert turns.done(("greedy", 1), now=0.0) == [("greedy", 2)]
    assert turns.done(("greedy", 0), now=0.0) == [("greedy", 3)]


def test_whose_line_is_long_rests_after_each_and_then_has_one_at_work() -> None:
    turns = Turns()
    coming(turns, AT_ONCE + LONG_LINE + 2)

    assert turns.done(("greedy", 0), now=1.0) == []
    assert turns.done(("greedy", 1), now=1.0) == []
    assert coming(turns, 1, caller="calm") == [0]
    assert turns.rested(now=1.0 + REST_S / 2) == []
    assert turns.rested(now=1.0 + REST_S) == [("greedy", 2)]
    assert turns.done(("greedy", 2), now=2.0) == []


def test_who_may_be_many_people_never_rests() -> None:
    turns = Turns()
    coming(turns, AT_ONCE + LONG_LINE + 2, rests=False)

    assert turns.done(("greedy", 0), now=1.0) == [("greedy", 2)]


def test_the_last_of_the_longest_line_leaves() -> None:
    turns = Turns()
    coming(turns, 5)
    coming(turns, 4, caller="calm")

    assert turns.longest == 3
    assert turns.leave() == ("greedy", 4)
    assert turns.longest == 2


@given(st.lists(st.sampled_from(["a", "b", "done", "rested", "leave"]), max_size=60))
def test_everyone_is_done_once_and_nothing_is_kept_of_who_left(steps: list[str]) -> None:
    turns = Turns()
    now, came, gone, left = 0.0, 0, [], []
    at_work: list[tuple[str, int]] = []
    for step in [*steps, *["done", "rested"] * 2 * len(steps)]:
        now += REST_S
        going = []
        if step in {"a", "b"}:
            came += 1
            going = turns.come((step, came), step, at_once=AT_ONCE, rests=step == "a")
        elif step == "done" and at_work:
            going = turns.done(at_work.pop(0), now=now)
        elif step == "rested":
            going = turns.rested(now=now)
        elif step == "leave" and turns.longest:
            left.append(turns.leave())
        at_work += going
        gone += going
        for caller in ("a", "b"):
            assert sum(name == caller for name, _ in at_work) <= AT_ONCE
            mine = [number for name, number in gone if name == caller]
            assert mine == sorted(mine)
    assert len({*gone, *left}) == len(gone) + len(left) == came
    assert not at_work
    assert not turns._lines
    assert not turns._callers
    assert not turns.anyone_rests
