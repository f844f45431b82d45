"""The order's table, enumerated: states × inputs × duplicates, and every way a story can go."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.store import model
from services.store.model import Input, State
from services.store.model.picture import page

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)

EXPECTED = """
state      | HoldPlaced  | HoldRefused  | HoldCaptured | HoldReleased | scan                   | late                   | cancel          | ask                | 10 min        | last day
PLACED     | → CONFIRMED | → REFUSED B  | alarm        | alarm        | no order-not-confirmed | no order-not-confirmed | → CANCELLING T  | OrderPlaced        | → CANCELLING T | –
CONFIRMED  | –           | alarm        | alarm        | alarm        | → USED T G             | no voucher-expired     | → CANCELLING T  | –                  | –             | → CANCELLING T
USED       | –           | alarm        | → CAPTURED   | alarm        | no voucher-used        | no voucher-used        | no voucher-used | VoucherUsed        | –             | –
CAPTURED   | –           | alarm        | –            | alarm        | no voucher-used        | no voucher-used        | no voucher-used | –                  | –             | –
CANCELLING | –           | → CANCELLED B | alarm       | → CANCELLED B | no order-cancelled    | no order-cancelled     | same            | OrderCancelled     | –             | –
CANCELLED  | –           | –            | alarm        | –            | no order-cancelled     | no order-cancelled     | same            | –                  | –             | –
REFUSED    | alarm       | –            | alarm        | –            | no order-refused       | no order-refused       | no order-refused | –                 | –             | –
"""  # noqa: E501 - a table is read as a table

CELLS = list(itertools.product(State, Input))


def expected() -> dict[tuple[State, Input], str]:
    lines = [
        [part.strip() for part in line.split("|")] for line in EXPECTED.strip().splitlines()[1:]
    ]
    return {
        (State(state), happened): text
        for state, *texts in lines
        for happened, text in zip(Input, texts, strict=True)
    }


def written(cell: model.Cell) -> str:
    match cell:
        case model.Move():
            tell = " T" if cell.tell else ""
            stock = {None: "", model.Stock.BACK: " B", model.Stock.GONE: " G"}[cell.stock]
            return f"→ {cell.to.value}{tell}{stock}"
        case model.Forbidden():
            return f"no {cell.refusal.code}"
        case model.SendAgain():
            return cell.event.value
        case model.Alarming():
            return "alarm"
        case model.SameAnswer():
            return "same"
        case model.Ignored():
            return "–"


def order(state: State = State.PLACED, **fields: object) -> model.Order:
    asked = {"ask_at": NOW + timedelta(seconds=30)} if state in model.ASKING else {}
    values: dict[str, object] = {
        "order_id": "order",
        "district": "430211",
        "zone": "Asia/Shanghai",
        "merchant_id": "merchant",
        "item_id": "item",
        "item_title": "大米 5 kg",
        "volunteer_id": "ada",
        "pieces": 2,
        "price": 150,
        "amount": 300,
        "month": "2026-11",
        "code_hash": "hash",
        "key_id": "2026",
        "last_day": "2026-12-22",
        "expires_at": NOW + timedelta(days=30),
        "placed_at": NOW,
        "give_up_at": NOW + timedelta(minutes=10),
        "state": state,
        **asked,
        **fields,
    }
    return model.Order(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "happened"), CELLS)
def test_each_cell_says_what_the_design_says(state, happened):
    assert written(model.cell(state, happened)) == expected()[state, happened]


@pytest.mark.parametrize(("state", "happened"), CELLS)
def test_what_happened_twice_never_moves_an_order_twice(state, happened):
    first = model.cell(state, happened)
    after = first.to if isinstance(first, model.Move) else state

    second = model.cell(after, happened)

    if isinstance(first, model.Move):
        assert isinstance(second, model.Ignored | model.SameAnswer | model.Forbidden)
    else:
        assert second == first


@pytest.mark.parametrize(("state", "happened"), CELLS)
def test_a_move_writes_its_state_its_time_and_one_version_for_each_event_told(state, happened):
    move = model.cell(state, happened)
    if not isinstance(move, model.Move):
        return
    before, at = order(state), NOW + timedelta(hours=1)
    ask_at = at if move.to in model.ASKING else None

    after = model.moved(before, move, at=at, ask_at=ask_at)

    assert after.state is move.to
    assert after.version == before.version + (1 if move.tell else 0)
    assert (after.ask_at is not None) == (move.to in model.ASKING)
    assert after.cancel_reason == move.reason
    assert at in (
        after.confirmed_at,
        after.used_at,
        after.captured_at,
        after.cancelled_at,
        after.ended_at,
    )


def test_a_state_with_an_open_question_cannot_be_entered_without_asking_again():
    move = model.cell(State.CONFIRMED, Input.SCAN)
    assert isinstance(move, model.Move)

    with pytest.raises(ValueError, match="asked again"):
        model.moved(order(State.CONFIRMED), move, at=NOW)


def test_only_states_with_an_open_question_send_again_and_each_sends_what_it_told():
    sends = {
        state: cell.event
        for state in State
        if isinstance(cell := model.cell(state, Input.ASK_TIME), model.SendAgain)
    }

    assert set(sends) == model.ASKING
    for move in (c for row in model.TABLE.values() for c in row.values()):
        if isinstance(move, model.Move) and move.tell:
            assert sends[move.to] is move.tell


def test_an_order_is_given_up_after_ten_minutes_and_asked_about_until_then():
    placed = order(ask_at=NOW + timedelta(seconds=30))
    asked_at, waits = placed.ask_at, [30, 60, 120, 240, 480]

    for wait in waits[1:]:
        assert asked_at is not None
        assert model.timer_of(placed, real_now=asked_at) is Input.ASK_TIME
        placed = model.asked_again(placed, ask_at=asked_at + timedelta(seconds=wait))
        asked_at = placed.ask_at

    assert asked_at == placed.give_up_at
    assert model.timer_of(placed, real_now=placed.give_up_at) is Input.UNANSWERED


def test_a_used_voucher_is_asked_about_for_ever():
    used = order(State.USED, give_up_at=NOW - timedelta(days=1))

    assert model.timer_of(used, real_now=NOW) is Input.ASK_TIME
    assert model.asked_again(used, ask_at=NOW).ask_at == NOW


def test_a_voucher_is_good_through_its_last_day_in_the_districts_zone():
    from zoneinfo import ZoneInfo

    last_day, over = model.last_day_of(
        placed_at=datetime(2026, 11, 22, 17, 0, tzinfo=UTC), days=7, zone=ZoneInfo("Asia/Shanghai")
    )

    assert last_day == "2026-11-30"  # 01:00 on the 23rd in Zhuzhou, and seven days
    assert over == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    good = order(State.CONFIRMED, expires_at=over)
    assert model.scan_of(good, now=over - timedelta(milliseconds=1)) is Input.SCAN
    assert model.scan_of(good, now=over) is Input.SCAN_TOO_LATE


# Every way a story can go: the store's table beside a ledger that keeps its promises (a fact once,
# the loser answered with the winner, the same command answered alike), with every message that was
# ever sent arriving any number of times, in any order.

Ledger = tuple[str, str]  # hold: "" | "held" | "refused"; end: "" | "captured" | "released"
Story = tuple[model.Order, Ledger, frozenset[str], int, int]


def heard_by_ledger(ledger: Ledger, event: str) -> list[tuple[Ledger, str]]:
    """Return the ways in which the ledger may take an event, each with its answer."""
    hold, end = ledger
    if event == "OrderPlaced":
        if hold == "held":
            return [(ledger, "HoldPlaced")]
        if hold == "refused" or end:
            return [(("refused", end), "HoldRefused")]
        return [(("held", end), "HoldPlaced"), (("refused", end), "HoldRefused")]
    if event == "VoucherUsed":
        assert hold == "held"
        end = end or "captured"
    else:
        end = end or "released"
    return [((hold, end), "HoldCaptured" if end == "captured" else "HoldReleased")]


def next_stories(story: Story) -> list[Story]:
    placed, ledger, sent, back, gone = story
    found: list[Story] = []
    for message in sent:
        if message.startswith("Hold"):
            continue
        for after, answer in heard_by_ledger(ledger, message):
            found.append((placed, after, sent | {answer}, back, gone))
    answers = {Input(message) for message in sent if message.startswith("Hold")}
    people_and_time = set(Input) - {i for i in Input if i.value.startswith("Hold")}
    for happened in answers | people_and_time:
        cell = model.cell(placed.state, happened)
        assert not isinstance(cell, model.Alarming), (placed.state, happened, ledger)
        if not isinstance(cell, model.Move):
            continue
        ask_at = NOW if cell.to in model.ASKING else None
        after_move = replace(model.moved(placed, cell, at=NOW, ask_at=ask_at), cancel_reason=None)
        told = {cell.tell.value} if cell.tell else set()
        found.append(
            (
                after_move,
                ledger,
                sent | told,
                back + (cell.stock is model.Stock.BACK),
                gone + (cell.stock is model.Stock.GONE),
            )
        )
    return found


def test_no_story_alarms_and_every_end_agrees_with_the_ledger():
    start: Story = (order(), ("", ""), frozenset({"OrderPlaced"}), 0, 0)
    seen, todo = {start}, [start]
    while todo:
        for story in next_stories(todo.pop()):
            if story not in seen:
                seen.add(story)
                todo.append(story)

    ends = set()
    for placed, (hold, end), _, back, gone in seen:
        assert back + gone <= 1
        assert (gone == 1) == (placed.state in (State.USED, State.CAPTURED))
        assert (back == 1) == (placed.state in (State.CANCELLED, State.REFUSED))
        assert placed.version <= 2
        if placed.state is State.CAPTURED:
            assert (hold, end) == ("held", "captured")
        if placed.state is State.REFUSED:
            assert hold == "refused"
        ends.add(placed.state)
    assert ends == set(State)


def test_the_page_about_orders_is_drawn_from_the_table_as_it_is():
    shown = Path(__file__).parents[2] / "docs" / "orders.md"

    assert shown.read_text(encoding="utf-8") == page()
