"""One function decides everything: a book and a command give the posting that answers it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.ledger.model import earning
from services.ledger.model.accounts import (
    AVAILABLE,
    HELD,
    MERCHANT,
    UNCLAIMED,
    VOLUNTEER,
    account_id,
    own_account,
)
from services.ledger.model.book import Book
from services.ledger.model.commands import (
    CAPTURED,
    RELEASED,
    Capture,
    Command,
    Earn,
    End,
    Hold,
    NotUnderstood,
    Release,
    UnknownHold,
    end_fact,
    hold_fact,
)
from services.ledger.model.moves import Moves, Parts, after, oldest, total
from services.ledger.model.posting import POSTED_OTHERWISE, SUPERSEDED, Line, Posting

INSUFFICIENT_POINTS = "insufficient-points"
ACCOUNT_FROZEN = "account-frozen"
ACCOUNT_CLOSED = "account-closed"
ALREADY_ENDED = "already-ended"
NOT_UNDERSTOOD = "not-understood"

FROZEN = "frozen"
CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer to a command, the postings that it adds, and the book after them."""

    answer: Posting
    posted: tuple[Posting, ...]
    book: Book


def decide(book: Book, command: Command, *, at: int) -> Decision:
    """Return the posting that answers a command, and the book with what it adds.

    A fact that stands is the answer to whoever tells it again. Raises :class:`NotUnderstood` or
    :class:`UnknownHold` for what is neither posted nor refused, but shown to an operator.
    """
    if flaw := command.unnameable():
        raise NotUnderstood(flaw)
    standing = book.facts.get(command.fact)
    if standing is not None:
        return _answer(book, command, standing, at=at)
    match command:
        case Earn():
            return _earn(book, command, at=at)
        case Hold():
            return _hold(book, command, at=at)
        case Capture():
            return _capture(book, command, at=at)
        case Release():
            return _release(book, command, at=at)
    raise NotUnderstood(command.kind)


def _answer(book: Book, command: Command, standing: Posting, *, at: int) -> Decision:
    if command.same_as(standing):
        return Decision(answer=standing, posted=(), book=book)
    remembered = book.facts.get(command.refusal)
    if remembered is not None:
        return Decision(answer=remembered, posted=(), book=book)
    about = {"fact": command.fact, "stands": f"{standing.book}:{standing.n}"}
    return _post(book, command, at=at, about=about, refused=POSTED_OTHERWISE)


def _earn(book: Book, command: Earn, *, at: int) -> Decision:
    rule = book.charter.rule_at(command.served_at)
    if rule is None:
        raise NotUnderstood("served before the first rule of the district")
    worth = earning.worth(rule, command)
    lower = earning.lower_versions(book.facts, command)
    earned = 0
    kept = []
    for version in range(1, command.version):
        if version in lower:
            earned = lower[version].about["earned"]
            continue
        # A late version finds its place taken, so it is answered and earns nothing twice.
        late = replace(command, version=version)
        about = earning.about(late, earned)
        place = book.next(command, fact=late.fact, at=at, about=about, refused=SUPERSEDED)
        book = book.after(place)
        kept.append(place)
    moves = Moves(book.accounts)
    earning.move(
        moves,
        command,
        worth - earned,
        lower=[lower[version] for version in sorted(lower)],
        at=book.time(at),
        zone=book.charter.zone,
        closed=book.statuses.get(command.volunteer) == CLOSED,
    )
    about = earning.about(command, worth)
    decision = _post(book, command, at=at, about=about, lines=moves.lines)
    if not kept:
        return decision
    return replace(decision, posted=(*kept, *decision.posted))


def _hold(book: Book, command: Hold, *, at: int) -> Decision:
    remembered = book.facts.get(command.refusal)
    if remembered is not None:
        return Decision(answer=remembered, posted=(), book=book)
    about = {"order": command.order, "amount": command.amount}
    refused = _why_not(book, command)
    if refused is not None:
        return _post(book, command, at=at, about=about, refused=refused)
    moves = Moves(book.accounts)
    moves.set_aside(_volunteer(command), command.amount)
    return _post(book, command, at=at, about=about, lines=moves.lines)


def _why_not(book: Book, command: Hold) -> str | None:
    if command.flaw():
        return NOT_UNDERSTOOD
    if end_fact(command.order) in book.facts:
        return ALREADY_ENDED
    status = book.statuses.get(command.volunteer)
    if status == CLOSED:
        return ACCOUNT_CLOSED
    if status == FROZEN:
        return ACCOUNT_FROZEN
    if book.account(_volunteer(command)).total(AVAILABLE) < command.amount:
        return INSUFFICIENT_POINTS
    return None


def _capture(book: Book, command: Capture, *, at: int) -> Decision:
    hold = book.facts.get(hold_fact(command.order))
    if hold is None:
        raise UnknownHold(f"order {command.order}")
    held = _held(hold, command)
    if total(held) < command.amount:
        raise NotUnderstood(f"order {command.order} holds {total(held)}, not {command.amount}")
    merchant = account_id(book=command.book, kind=MERCHANT, holder=command.merchant)
    moves = Moves(book.accounts)
    moves.take(_volunteer(command), HELD, held)
    moves.receive(merchant, [(None, total(oldest(held, command.amount)))])
    back = after(held, command.amount)
    _give_back(moves, book, command, back)
    about = {"order": command.order, CAPTURED: command.amount, RELEASED: total(back)}
    return _post(book, command, at=at, about=about, lines=moves.lines)


def _release(book: Book, command: Release, *, at: int) -> Decision:
    hold = book.facts.get(hold_fact(command.order))
    # Without a hold the end is posted all the same, so that a late hold is refused.
    held = _held(hold, command) if hold is not None else []
    moves = Moves(book.accounts)
    moves.take(_volunteer(command), HELD, held)
    _give_back(moves, book, command, held)
    about = {"order": command.order, CAPTURED: 0, RELEASED: total(held)}
    return _post(book, command, at=at, about=about, lines=moves.lines)


def _held(hold: Posting, command: End) -> Parts:
    held = [line for line in hold.lines if line["bucket"] == HELD]
    if any(line["account"] != _volunteer(command) for line in held):
        raise NotUnderstood(f"order {command.order} is held in another account")
    return [(line["lot"], line["amount"]) for line in held]


def _give_back(moves: Moves, book: Book, command: End, parts: Parts) -> None:
    if book.statuses.get(command.volunteer) == CLOSED:
        unclaimed = own_account(book=command.book, kind=UNCLAIMED)
        moves.put(unclaimed, AVAILABLE, [(None, total(parts))])
    else:
        moves.receive(_volunteer(command), parts)


def _volunteer(command: Hold | End) -> str:
    return account_id(book=command.book, kind=VOLUNTEER, holder=command.volunteer)


def _post(
    book: Book,
    command: Command,
    *,
    at: int,
    about: Mapping[str, Any],
    lines: Sequence[Line] = (),
    refused: str | None = None,
) -> Decision:
    fact = command.refusal if refused else command.fact
    posting = book.next(command, fact=fact, at=at, about=about, lines=lines, refused=refused)
    return Decision(answer=posting, posted=(posting,), book=book.after(posting))
