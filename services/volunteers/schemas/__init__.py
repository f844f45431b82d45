"""What HTTP may say to volunteers and hear from it. One file per noun."""

from services.volunteers.schemas.people import (
    AskNames,
    ChangeStatus,
    EditProfile,
    Myself,
    Names,
    StatusChanged,
    Volunteer,
    VolunteerPage,
    VolunteerQuery,
)
from services.volunteers.schemas.regions import Region, RegionPage, RegionQuery
from services.volunteers.schemas.roles import Grant, GrantPage, GrantRole, RevokeRole
from services.volunteers.schemas.service import (
    RuleValues,
    ServiceMinutesPage,
    Stars,
)
from services.volunteers.schemas.sign_ins import (
    AskConfirmation,
    ConfirmationAsked,
    Register,
    ShowRefreshToken,
    SignedIn,
    SignIn,
)

__all__ = [
    "AskConfirmation",
    "AskNames",
    "ChangeStatus",
    "ConfirmationAsked",
    "EditProfile",
    "Grant",
    "GrantPage",
    "GrantRole",
    "Myself",
    "Names",
    "Region",
    "RegionPage",
    "RegionQuery",
    "Register",
    "RevokeRole",
    "RuleValues",
    "ServiceMinutesPage",
    "ShowRefreshToken",
    "SignIn",
    "SignedIn",
    "Stars",
    "StatusChanged",
    "Volunteer",
    "VolunteerPage",
    "VolunteerQuery",
]
