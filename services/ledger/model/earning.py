"""What a version of a service record changes: the difference to what it has earned so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.ledger.model.accounts import (
    AVAILABLE,
    DEBT,
    MINT,
    UNCLAIMED,
    VOLUNTEER,
    account_id,
    own_account,
)
from services.ledger.model.charter import EarnRule, has_ended, lot_of
from services.ledger.model.commands import AMOUNT_MAX, CREDIT, Earn, NotUnderstood, earn_fact
from services.ledger.model.moves import Moves, oldest, total
from services.ledger.model.posting import SUPERSEDED, Posting


def worth(rule: EarnRule, command: Earn) -> int:
    """Return what the record is worth in this version: nothing where it is honorary."""
    if command.credit != CREDIT:
        return 0
    earned = rule.earned(command.minutes)
    if earned > AMOUNT_MAX:
        raise NotUnderstood(f"{command.minutes} minutes earn {earned}")
    return earned


def about(command: Earn, earned: int) -> dict[str, object]:
    """Return what the posting says of the record."""
    return {
        "record": command.record,
        "version": command.version,
        "volunteer": command.volunteer,
        "earned": earned,
    }


def lower_versions(facts: Mapping[str, Posting], command: Earn) -> dict[int, Posting]:
    """Return the postings of the record's lower versions; refuses a record of another person."""
    lower = {}
    for version in range(1, command.version):
        standing = facts.get(earn_fact(command.record, version))
        if standing is None:
            continue
        if standing.book != command.book or standing.about["volunteer"] != command.volunteer:
            raise NotUnderstood(f"record {command.record} is another person's or another book's")
        lower[version] = standing
    return lower


def move(
    moves: Moves,
    command: Earn,
    difference: int,
    *,
    lower: Sequence[Posting],
    at: int,
    zone: str,
    closed: bool,
) -> None:
    """Write the lines of the difference: up from the mint to the volunteer, down the way back."""
    if difference > 0:
        _up(moves, command, difference, lower=lower, at=at, zone=zone, closed=closed)
    elif difference < 0:
        _down(moves, command, -difference, lower=lower, at=at, zone=zone)


def _up(
    moves: Moves,
    command: Earn,
    amount: int,
    *,
    lower: Sequence[Posting],
    at: int,
    zone: str,
    closed: bool,
) -> None:
    moves.move(own_account(book=command.book, kind=MINT), AVAILABLE, None, -amount)
    if closed:
        moves.move(own_account(book=command.book, kind=UNCLAIMED), AVAILABLE, None, amount)
        return
    lot = _own_lot(lower, zone)
    if lot is None or has_ended(lot, at=at, zone=zone):
        lot = lot_of(at=at, zone=zone)
    account = account_id(book=command.book, kind=VOLUNTEER, holder=command.volunteer)
    moves.receive(account, [(lot, amount)])


def _down(
    moves: Moves, command: Earn, amount: int, *, lower: Sequence[Posting], at: int, zone: str
) -> None:
    account = account_id(book=command.book, kind=VOLUNTEER, holder=command.volunteer)
    unclaimed = own_account(book=command.book, kind=UNCLAIMED)
    left = amount
    back = min(left, _gave(lower, unclaimed))
    moves.move(unclaimed, AVAILABLE, None, -back)
    left -= back
    lot = _own_lot(lower, zone) or lot_of(at=at, zone=zone)
    available = moves.lots(account, AVAILABLE)
    own = oldest([part for part in available if part[0] == lot], left)
    left -= total(moves.take(account, AVAILABLE, own))
    left -= total(moves.spend(account, AVAILABLE, left))
    # What was spent or is held is owed; what is held stays the order's.
    moves.move(account, DEBT, lot, -left)
    moves.move(own_account(book=command.book, kind=MINT), AVAILABLE, None, amount)


def _own_lot(lower: Sequence[Posting], zone: str) -> str | None:
    """Return the lot of the version in which the record first earned; None where none did."""
    for posting in lower:
        if posting.refused != SUPERSEDED and posting.about["earned"] > 0:
            return lot_of(at=posting.at, zone=zone)
    return None


def _gave(lower: Sequence[Posting], account: str) -> int:
    return sum(
        line["amount"] for posting in lower for line in posting.lines if line["account"] == account
    )
