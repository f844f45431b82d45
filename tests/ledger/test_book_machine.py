"""Any sequence of commands and repeats leaves a book that adds up."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from services.ledger.model import Capture, Command, NotUnderstood, Posting, UnknownHold
from services.ledger.model.commands import End
from tests.ledger.bookkeeper import DAY, Bookkeeper, capture, earn, hold, release

RECORDS = [f"record-{i}" for i in range(4)]
ORDERS = [f"order-{i}" for i in range(6)]
VOLUNTEERS = ["ada", "bo"]
RECORD_OF = dict(zip(RECORDS, [*VOLUNTEERS, *VOLUNTEERS], strict=True))


class BookMachine(RuleBasedStateMachine):
    """Tells facts in any order, again and again, and keeps what each command was answered."""

    @initialize()
    def begin(self) -> None:
        self.keeper = Bookkeeper()
        self.answers: dict[str, str] = {}
        self.told: dict[str, Command] = {}
        self.minutes: dict[tuple[str, int], int] = {}
        self.orders: dict[str, tuple[str, int]] = {}

    def tell(self, command: Command) -> Posting | None:
        self.told[command.fact] = command
        try:
            decision = self.keeper.decide(command)
        except UnknownHold:
            assert isinstance(command, Capture)
            assert f"hold:{command.order}" not in self.keeper.book.facts
            return None
        except NotUnderstood:
            # An end of another person's hold, or of more than it holds; asked again, the same.
            assert isinstance(command, End)
            held = [
                line
                for line in self.keeper.book.facts[f"hold:{command.order}"].lines
                if line["bucket"] == "held"
            ]
            theirs = all(line["account"].endswith(f":{command.volunteer}") for line in held)
            too_much = isinstance(command, Capture) and command.amount > sum(
                line["amount"] for line in held
            )
            assert too_much or not theirs
            return None
        key = f"{command.fact} {command.id} {command.digest}"
        assert self.answers.setdefault(key, decision.answer.id) == decision.answer.id
        # Whoever asks the same once more gets the same answer, and nothing is added.
        again = self.keeper.decide(command)
        assert again.answer == decision.answer
        assert not again.posted
        return decision.answer

    @rule(
        record=st.sampled_from(RECORDS),
        version=st.integers(1, 5),
        minutes=st.integers(0, 400),
        honorary=st.booleans(),
    )
    def confirm(self, record: str, version: int, minutes: int, honorary: bool) -> None:
        # One version of a record says one thing, however often and late it is told.
        minutes = self.minutes.setdefault((record, version), -1 if honorary else minutes)
        credit = "honorary" if minutes < 0 else "credit"
        self.tell(
            earn(record, version, minutes=abs(minutes), credit=credit, volunteer=RECORD_OF[record])
        )

    @rule(record=st.sampled_from(RECORDS), version=st.integers(1, 5))
    def confirm_otherwise(self, record: str, version: int) -> None:
        if f"earn:{record}:{version}" in self.keeper.book.facts:
            volunteer = RECORD_OF[record]
            other = earn(record, version, minutes=777, volunteer=volunteer, id="stranger")
            answer = self.tell(other)
            assert answer is not None
            assert answer.refused in ("posted-otherwise", "superseded")

    @rule(
        order=st.sampled_from(ORDERS),
        volunteer=st.sampled_from(VOLUNTEERS),
        amount=st.sampled_from([50, 100, 150, 400]),
    )
    def place(self, order: str, volunteer: str, amount: int) -> None:
        volunteer, amount = self.orders.setdefault(order, (volunteer, amount))
        self.tell(hold(order, volunteer=volunteer, amount=amount))

    @rule(order=st.sampled_from(ORDERS), part=st.sampled_from([1, 2]))
    def use(self, order: str, part: int) -> None:
        volunteer, amount = self.orders.get(order, ("ada", 100))
        self.tell(capture(order, volunteer=volunteer, amount=amount // part, id=f"{order}:{part}"))

    @rule(order=st.sampled_from(ORDERS))
    def cancel(self, order: str) -> None:
        volunteer, _ = self.orders.setdefault(order, ("ada", 100))
        self.tell(release(order, volunteer=volunteer))

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def repeat(self, data: Any) -> None:
        self.tell(self.told[data.draw(st.sampled_from(sorted(self.told)))])

    @rule(days=st.sampled_from([0, 1, 200, 400]), back=st.booleans())
    def pass_time(self, days: int, back: bool) -> None:
        self.keeper.now += -days * DAY if back else days * DAY

    @rule(volunteer=st.sampled_from(VOLUNTEERS), status=st.sampled_from(["active", "frozen"]))
    def freeze(self, volunteer: str, status: str) -> None:
        self.keeper.statuses[volunteer] = status

    @rule(volunteer=st.sampled_from(VOLUNTEERS))
    def close(self, volunteer: str) -> None:
        self.keeper.statuses[volunteer] = "closed"

    @rule(order=st.sampled_from(ORDERS))
    def ask_for_too_much(self, order: str) -> None:
        volunteer, _ = self.orders.get(order, ("ada", 0))
        self.tell(capture(order, volunteer=volunteer, amount=10**9, id="greedy"))

    @invariant()
    def the_book_adds_up(self) -> None:
        self.keeper.check()

    @invariant()
    def a_hold_ends_at_most_once(self) -> None:
        for order in ORDERS:
            ends = [p for p in self.keeper.journal if p.id == f"end:{order}"]
            holds = [p for p in self.keeper.journal if p.id == f"hold:{order}"]
            assert len(ends) <= 1
            if ends and holds:
                held = sum(x["amount"] for p in holds for x in p.lines if x["bucket"] == "held")
                # A hold after its end is refused, so the end has always seen it.
                assert ends[0].about["captured"] + ends[0].about["released"] == held

    @invariant()
    def a_record_has_earned_what_its_newest_version_is_worth(self) -> None:
        for record in RECORDS:
            postings = [p for p in self.keeper.journal if p.id.startswith(f"earn:{record}:")]
            minted = -sum(
                line["amount"] for p in postings for line in p.lines if ":mint:" in line["account"]
            )
            heard = [v for (r, v) in self.minutes if r == record]
            newest = max(heard, default=0)
            worth = self.minutes.get((record, newest), 0) // 30 * 50
            assert minted == max(worth, 0)
            assert len(postings) == newest


BookMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=False
)
TestBook = BookMachine.TestCase
