"""One person per role for whoever tries `make run`: made once, through HTTP like anybody.

Everybody signs in by a telephone and its confirmation code; the embedded provider shows the code in
the answer, so `token` can do both steps for a person of these and print what to send.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.demo.acknowledged import Acknowledged
from deploy.demo.client import Refused, Service, Services, Token

DISTRICT = "430211"
COMMUNITY = "430211001004"
ADMIN_PHONE = "13900000001"
CONFLICT = 409


@dataclass(frozen=True)
class SamplePerson:
    """Someone to try the system as."""

    role: str
    title: str
    phone: str
    name: str


SAMPLE_PEOPLE = (
    SamplePerson("admin", "区管理员", ADMIN_PHONE, "管理员"),
    SamplePerson("organiser", "组织者", "13900000002", "组织者"),
    SamplePerson("volunteer", "志愿者", "13900000003", "志愿者"),
    SamplePerson("merchant", "商家", "13900000004", "商家"),
    SamplePerson("auditor", "审计员", "13900000005", "审计员"),
)
"""The administrator is made by deploy.bootstrap; the others are let in by that one."""


def let_in(urls: Mapping[str, str]) -> None:
    """Register the sample people and give them their roles; those that are there stay."""
    volunteers = _volunteers(urls)
    admin, *others = SAMPLE_PEOPLE
    administrator = _signed_in(volunteers, admin.phone)
    for person in others:
        token = _registered(volunteers, person)
        if person.role != "volunteer":
            volunteers.post(
                f"/volunteers/{token.volunteer_id}/roles",
                {"role": person.role, "region": DISTRICT},
                by=administrator,
                key=f"sample-{person.role}",
            )


def access_token(urls: Mapping[str, str], role: str) -> str:
    """Return an access token of the sample person of a role, good for half an hour."""
    volunteers = _volunteers(urls)
    person = next(person for person in SAMPLE_PEOPLE if person.role == role)
    return _signed_in(volunteers, person.phone).access


def _volunteers(urls: Mapping[str, str]) -> Service:
    return Services.at(urls, over=threading.Event(), told=Acknowledged()).volunteers


def _registered(volunteers: Service, person: SamplePerson) -> Token:
    body = {**_confirmed(volunteers, person.phone), "name": person.name, "region": COMMUNITY}
    try:
        return _token(volunteers.post("/volunteers", body))
    except Refused as refused:
        if refused.status != CONFLICT:
            raise
        # Registered in a run before this one.
        return _signed_in(volunteers, person.phone)


def _signed_in(volunteers: Service, phone: str) -> Token:
    return _token(volunteers.post("/sessions", _confirmed(volunteers, phone)))


def _confirmed(volunteers: Service, phone: str) -> dict[str, str]:
    asked = volunteers.post("/phone-confirmations", {"phone": phone})
    return {
        "confirmation_id": asked["confirmation_id"],
        "phone": phone,
        "code": asked["embedded_code"],
    }


def _token(answer: Mapping[str, str]) -> Token:
    return Token(
        access=answer["access_token"],
        refresh=answer["refresh_token"],
        volunteer_id=answer["volunteer_id"],
    )
