"""The only file of volunteers that knows Mongo; one file per noun."""

from services.volunteers.repository.collections import make_collections
from services.volunteers.repository.confirmations import (
    add_confirmation,
    claim_sending,
    confirmation,
    count_guess,
    save_sendings,
    sent_at,
    unclaim_sending,
    use_code,
)
from services.volunteers.repository.people import (
    add_person,
    keys,
    move_status,
    number_is_free,
    people,
    people_within,
    person,
    person_of_phone,
    person_within,
    save_profile,
)
from services.volunteers.repository.regions import load_regions, region, regions
from services.volunteers.repository.roles import (
    add_grant,
    grant,
    grants,
    note_roles_changing,
    revoke,
    standing_grants,
)
from services.volunteers.repository.service import (
    minutes_by_kind,
    minutes_of_record,
    rows_of_person,
    save_minutes,
    save_tally,
    tally,
)
from services.volunteers.repository.sign_ins import add_sign_in, end_sign_in, move_on, sign_in

__all__ = [
    "add_confirmation",
    "add_grant",
    "add_person",
    "add_sign_in",
    "claim_sending",
    "confirmation",
    "count_guess",
    "end_sign_in",
    "grant",
    "grants",
    "keys",
    "load_regions",
    "make_collections",
    "minutes_by_kind",
    "minutes_of_record",
    "move_on",
    "move_status",
    "note_roles_changing",
    "number_is_free",
    "people",
    "people_within",
    "person",
    "person_of_phone",
    "person_within",
    "region",
    "regions",
    "revoke",
    "rows_of_person",
    "save_minutes",
    "save_profile",
    "save_sendings",
    "save_tally",
    "sent_at",
    "sign_in",
    "standing_grants",
    "tally",
    "unclaim_sending",
    "use_code",
]
