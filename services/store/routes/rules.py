"""A district's rules for its shelf over HTTP."""

from __future__ import annotations

from services.store.model import Rules
from services.store.schemas import RuleValues
from shared.web import rules_blueprint

rules = rules_blueprint(Rules(), RuleValues)
