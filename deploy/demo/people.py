"""People join and sign in: a telephone, its confirmation code, a token."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.demo.client import Body, Service, Token
from deploy.demo.plan.people import Person
from deploy.demo.scene import Member, Scene


def join(scene: Scene, title: str, persons: Sequence[Person]) -> list[Member]:
    """Return these people registered and signed in, in their order."""
    return scene.crew.each(title, persons, lambda person: register(scene, person))


def register(scene: Scene, person: Person) -> Member:
    """Register one person by the code that the embedded provider shows."""
    volunteers = scene.services.volunteers
    confirmation = _confirmed_phone(volunteers, person.phone)
    joined = volunteers.post(
        "/volunteers", {**confirmation, "name": person.name, "region": person.region}
    )
    return Member(person=person, token=_token(joined, joined["volunteer_id"]))


def sign_in(scene: Scene, phone: str) -> Token:
    """Return the token of someone registered."""
    volunteers = scene.services.volunteers
    session = volunteers.post("/sessions", _confirmed_phone(volunteers, phone))
    return _token(session, session["volunteer_id"])


def signed_in_again(scene: Scene, member: Member) -> Member:
    """Return the person with a token that knows the roles granted meanwhile."""
    session = scene.services.volunteers.post(
        "/session-refreshes", {"refresh_token": member.token.refresh}
    )
    return Member(person=member.person, token=_token(session, member.volunteer_id))


def grant(scene: Scene, admin: Token, member: Member, *, role: str, region: str) -> Member:
    """Let an administrator give the person a role; return the person signed in with it."""
    scene.services.volunteers.post(
        f"/volunteers/{member.volunteer_id}/roles", {"role": role, "region": region}, by=admin
    )
    return signed_in_again(scene, member)


def _confirmed_phone(volunteers: Service, phone: str) -> Body:
    asked = volunteers.post("/phone-confirmations", {"phone": phone})
    return {
        "confirmation_id": asked["confirmation_id"],
        "phone": phone,
        "code": asked["embedded_code"],
    }


def _token(answer: Body, volunteer_id: str) -> Token:
    return Token(
        access=answer["access_token"], refresh=answer["refresh_token"], volunteer_id=volunteer_id
    )
