"""What volunteers can do: load, ask the model, save and tell. One file per noun."""

from services.volunteers.operations.beginning import appoint_first_administrator, load_regions
from services.volunteers.operations.confirmations import ask_confirmation, send_code
from services.volunteers.operations.joining import register
from services.volunteers.operations.people import (
    change_status,
    edit_profile,
    me,
    people,
    person,
    roster_names,
)
from services.volunteers.operations.regions import region, regions
from services.volunteers.operations.roles import grant_role, revoke_role, roles
from services.volunteers.operations.sealed import phone_hmac
from services.volunteers.operations.service import (
    note_service,
    service_minutes,
    stars,
)
from services.volunteers.operations.sign_ins import (
    read_refresh_token,
    refresh,
    sign_in,
    sign_out,
    tokens,
)

__all__ = [
    "appoint_first_administrator",
    "ask_confirmation",
    "change_status",
    "edit_profile",
    "grant_role",
    "load_regions",
    "me",
    "note_service",
    "people",
    "person",
    "phone_hmac",
    "read_refresh_token",
    "refresh",
    "region",
    "regions",
    "register",
    "revoke_role",
    "roles",
    "roster_names",
    "send_code",
    "service_minutes",
    "sign_in",
    "sign_out",
    "stars",
    "tokens",
]
