"""Confirming a telephone, joining, signing in and out."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from services.volunteers import model
from shared.errors import Invalid
from shared.web import Schema, fields

TOKEN_CHARS_MAX = 400


class Phone(fields.Text):
    """A mobile number, however it is written; it comes out as its eleven digits."""

    def __init__(self, **kwargs: Any) -> None:
        shown = {"pattern": "^([+]86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}$"}
        super().__init__(20, metadata=shown, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return model.normal_phone(text)
        except Invalid as invalid:
            raise ma.ValidationError(invalid.facts["errors"]["phone"]) from None


class Code(fields.Text):
    """A confirmation code: six digits."""

    def __init__(self, **kwargs: Any) -> None:
        digits = ma.validate.Regexp(
            rf"[0-9]{{{model.CODE_DIGITS}}}\Z", error="六位数字 · Six digits."
        )
        shown = {"pattern": f"^[0-9]{{{model.CODE_DIGITS}}}$"}
        super().__init__(model.CODE_DIGITS, validate=digits, metadata=shown, **kwargs)


class AskConfirmation(Schema):
    """Whose telephone is to be confirmed."""

    example = {"phone": "13900000003"}

    phone = Phone(required=True)


class ConfirmationAsked(Schema):
    """Under which id the code is to be told, and until when."""

    confirmation_id = fields.Id()
    expires_at = fields.When()
    embedded_code = ma.fields.String(
        metadata={"description": "In embedded mode only: there is no telephone to send it to."}
    )


class SignIn(Schema):
    """The code that was sent to a telephone."""

    example = {
        "confirmation_id": "01KASAMP1E0000000000000000",
        "phone": "13900000003",
        "code": "123456",
    }

    confirmation_id = fields.Id(required=True)
    phone = Phone(required=True)
    code = Code(required=True)


class Register(SignIn):
    """The code that was sent to a telephone, and who one is."""

    example = {
        "confirmation_id": "01KASAMP1E0000000000000000",
        "phone": "13900000006",
        "code": "123456",
        "name": "王小明",
        "region": "430211001004",
    }

    name = fields.Text(40, required=True)
    region = fields.RegionCode(required=True)


class Role(Schema):
    """A role in a region."""

    role = ma.fields.String()
    region = fields.RegionCode()


class SignedIn(Schema):
    """Who is signed in, and the tokens: the access token for all services, the other to go on."""

    volunteer_id = fields.Id()
    number = ma.fields.String()
    region = fields.RegionCode()
    status = ma.fields.String()
    roles = ma.fields.List(ma.fields.Nested(Role))
    access_token = ma.fields.String()
    expires_at = fields.When()
    refresh_token = ma.fields.String()


class ShowRefreshToken(Schema):
    """The newest refresh token of a sign-in."""

    example = {"refresh_token": "as-a-sign-in-answered-it"}

    refresh_token = fields.Text(TOKEN_CHARS_MAX, required=True)
