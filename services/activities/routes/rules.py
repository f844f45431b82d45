"""A district's rules for its activities over HTTP."""

from __future__ import annotations

from services.activities.model import DEFAULTS
from services.activities.schemas import RuleValues
from shared.web import rules_blueprint

rules = rules_blueprint(DEFAULTS, RuleValues)
