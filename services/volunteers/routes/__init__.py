"""HTTP in: translate, call one operation, translate out. One file per noun."""

from services.volunteers.routes.people import people
from services.volunteers.routes.regions import regions
from services.volunteers.routes.roles import roles
from services.volunteers.routes.rules import rules
from services.volunteers.routes.service import service
from services.volunteers.routes.sign_ins import key_set, sign_ins

BLUEPRINTS = [sign_ins, people, roles, service, rules, regions, key_set]

__all__ = ["BLUEPRINTS"]
