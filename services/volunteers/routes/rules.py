"""A district's rules for its stars over HTTP."""

from __future__ import annotations

from services.volunteers.model import Rules, check_rising
from services.volunteers.schemas import RuleValues
from shared.web import rules_blueprint

rules = rules_blueprint(Rules(), RuleValues, check=check_rising)
