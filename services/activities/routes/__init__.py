"""HTTP in: translate, call one operation, translate out. One file per noun."""

from services.activities.routes.activities import activities
from services.activities.routes.imports import imports
from services.activities.routes.records import records
from services.activities.routes.rules import rules
from services.activities.routes.shifts import shifts
from services.activities.routes.sign_ups import sign_ups

BLUEPRINTS = (activities, shifts, sign_ups, records, imports, rules)

__all__ = ["BLUEPRINTS"]
