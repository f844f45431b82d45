"""A person: the telephone that stands for one, the public number, the status."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import datetime

from shared.errors import Invalid, Refusal

NUMBER_DIGITS = 7
"""Random digits of a public number, between the district and the check digit."""

_PHONE = re.compile(r"1[3-9][0-9]{9}")
_NUMBER = re.compile(r"[0-9]{14}")


class PhoneAlreadyRegistered(Refusal):
    """One telephone is one person."""

    title = "该手机号已注册 · This telephone is registered already"


class NotRegistered(Refusal):
    """Nobody is registered with this telephone."""

    status = 404
    title = "该手机号尚未注册 · Nobody is registered with this telephone"


class UnknownRegion(Refusal):
    """There is no such region here."""

    status = 422
    title = "没有此区划 · There is no such region"


class PersonClosed(Refusal):
    """The account was closed, and stays so."""

    status = 403
    title = "账号已注销 · The account is closed"


class ChangedMeanwhile(Refusal):
    """Somebody changed it after the asker looked."""

    status = 412
    title = "内容已被修改 · Changed meanwhile"


class NumbersExhausted(Refusal):
    """No free public number was found in the tries allowed; asked again, one is."""

    status = 503
    title = "暂无可用编号，请重试 · No number was free, please ask again"


class Status(enum.StrEnum):
    """What a person's account may do."""

    ACTIVE = "active"
    FROZEN = "frozen"
    """May sign in and receive, not spend or sign up."""
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person as kept: name and telephone are sealed with the person's own key.

    ``version`` counts the events told of the person, ``revision`` every change.
    """

    person_id: str
    number: str
    name: bytes
    phone: bytes
    phone_hmac: str
    region: str
    status: Status
    version: int
    revision: int
    registered_at: datetime


def normal_phone(text: str) -> str:
    """Return a mainland mobile number as its eleven digits; refuse anything else."""
    digits = re.sub(r"[\s-]", "", text).removeprefix("+86")
    if not _PHONE.fullmatch(digits):
        raise Invalid(errors={"phone": ["不是有效的手机号 · Not a mobile number."]})
    return digits


def masked_phone(phone: str) -> str:
    """Return enough of a telephone number for its owner to know it: ``138****0001``."""
    return f"{phone[:3]}****{phone[-4:]}"


def public_number(*, district: str, digits: str) -> str:
    """Return a public volunteer number: district, digits that mean nothing, check digit.

    14 digits: neither of the two lengths of an identity number.
    """
    return district + digits + check_digit(district + digits)


def is_number(text: str) -> bool:
    """Tell whether this is a public number without a slip of the finger."""
    return _NUMBER.fullmatch(text) is not None and check_digit(text[:-1]) == text[-1]


def check_digit(digits: str) -> str:
    """Return the check digit after ISO 7064, MOD 11,10: it shows every single wrong digit."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((11 - product) % 10)


def next_status(person: Person, wanted: Status) -> Status | None:
    """Return the status to go to, None where it is that already; refuse to open a closed one."""
    if person.status is wanted:
        return None
    if person.status is Status.CLOSED:
        raise PersonClosed()
    return wanted


def check_may_sign_in(status: Status) -> None:
    """Refuse whose account is closed; a frozen one may look at what it has."""
    if status is Status.CLOSED:
        raise PersonClosed()
