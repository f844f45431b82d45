"""The order's table as a page for people: ``python -m services.store.model.picture``.

Writes to standard output what ``docs/orders.md`` holds; a test compares the two.
"""

from __future__ import annotations

from collections import defaultdict

from services.store.model.table import (
    ASKING,
    TABLE,
    Alarming,
    Cell,
    Forbidden,
    Ignored,
    Input,
    Move,
    SameAnswer,
    SendAgain,
    State,
    Stock,
)

_HEAD = """# The order

<!-- Made by `python -m services.store.model.picture > docs/orders.md`; edit the model instead. -->

An order is one document with one `state`. What can happen to it is an answer of the ledger
(`HoldPlaced`, `HoldRefused`, `HoldCaptured`, `HoldReleased`), a person (the merchant's scan, the
owner's cancel) or time. Every handler, route and sweep looks its cell up in
`services/store/model/table.py`; this page is drawn from it.
"""

_NOTES = f"""
- **→ STATE**: the order moves, with all that stands there, in one transaction.
- **no: `code`**: whoever asks is refused with this problem; nothing changes.
- **alarm**: this cannot be. Nothing changes, the event is not marked heard, operators are told.
- **–**: nothing to do; it is logged.
- **stock back**: the pieces are free again, and the counter of the person, the item and the order's
  own month is lowered by them.
- The states with an open question ({", ".join(s.value for s in State if s in ASKING)}) ask again
  after 30 s, 1, 2, 4 … ≤ 30 min of real time, by sending the same outbox row once more.
- The ten minutes are real time; the voucher's last day goes by the clock, in the district's zone.
- A voucher of another merchant, one's own voucher, and any voucher of a suspended merchant are
  refused before the table is asked.
"""


def page() -> str:
    """Return the whole page."""
    return "\n".join([_HEAD, *_diagram(), "", *_table(), _NOTES])


def _diagram() -> list[str]:
    """Return the moves as a Mermaid state diagram; several causes share an arrow."""
    causes: dict[tuple[State, State], list[str]] = defaultdict(list)
    for state, row in TABLE.items():
        for happened, cell in row.items():
            if isinstance(cell, Move):
                causes[state, cell.to].append(happened.value)
    ends = [state for state in State if not any(isinstance(c, Move) for c in TABLE[state].values())]
    return [
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {State.PLACED.value}: order",
        *(
            f"    {before.value} --> {after.value}: {', '.join(why)}"
            for (before, after), why in causes.items()
        ),
        *(f"    {state.value} --> [*]" for state in ends),
        "```",
    ]


def _table() -> list[str]:
    heads = [f"`{one.value}`" if one.value.startswith("Hold") else one.value for one in Input]
    return [
        f"| state | {' | '.join(heads)} |",
        "|---" * (len(heads) + 1) + "|",
        *(
            f"| {state.value} | {' | '.join(_said(row[happened]) for happened in Input)} |"
            for state, row in TABLE.items()
        ),
    ]


def _said(cell: Cell) -> str:
    match cell:
        case Move():
            return ", ".join(_moved(cell))
        case Forbidden():
            return f"no: `{cell.refusal.code}`"
        case SendAgain():
            return f"send `{cell.event.value}` again"
        case SameAnswer():
            return "same answer"
        case Alarming():
            return "alarm"
        case Ignored():
            return "–"


def _moved(move: Move) -> list[str]:
    why = f" ({move.reason})" if move.reason else ""
    told = [f"tell `{move.tell.value}`{why}"] if move.tell else []
    stock = {Stock.BACK: ["stock back"], Stock.GONE: ["pieces gone"], None: []}[move.stock]
    return [f"→ {move.to.value}", *told, *stock]


if __name__ == "__main__":
    print(page(), end="")
